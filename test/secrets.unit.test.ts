/** S49: nothing that is checked in is a secret. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' });
const files = git('ls-files', '-z').split('\0').filter(Boolean);

/** What keys, rings, private JWKs and tokens look like, and what other people's secrets do. */
const SECRETS = [
  /\bsk_\d{1,6}_[0-9a-f]{32}_[\w-]{43}_[0-9a-f]{8}\b/,
  /\bpk_\d{1,6}_[0-9a-f]{32}_[\w-]{43}_[0-9a-f]{8}\b/,
  /MASTER_SECRETS\s*=\s*['"]?\d+:[\w-]{40,}/,
  /"d"\s*:\s*"[\w-]{43}"/,
  /\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{40,}/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[bp]-[\w-]{20,})\b/,
];

it('finds secrets by their look', () => {
  const key = `sk_1_${'0'.repeat(32)}_${'A'.repeat(43)}_${'0'.repeat(8)}`;
  expect(SECRETS.some(secret => secret.test(`the key is ${key}.`))).toBe(true);
});

it('S49 keeps secrets out of the repository', () => {
  expect(files.length).toBeGreaterThan(100);
  const found = files
    .filter(file => !file.endsWith('package-lock.json'))
    .filter(file => SECRETS.some(secret => secret.test(readFileSync(file, 'utf8'))));
  expect(found).toEqual([]);
});

it('S49 keeps the files of secrets out of git', () => {
  const ignored = git('check-ignore', '.dev.vars', '.dev.vars.production', '.wrangler/state').split('\n');
  expect(ignored.filter(Boolean)).toHaveLength(3);
});
