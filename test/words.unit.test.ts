/** Plain English: the words that are out, in the code, the titles of errors and the documents. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Words a reader who is no native speaker stumbles over. They count as parts of names too: `NOBODY`, `byNobody`. */
const OUT = [
  /whoever/i,
  /whosoever/i,
  /nobody/i,
  /\banew\b/i,
  /\bthemself\b/i,
  /\bfor ever\b/i,
  /\bon (its|their) way\b/i,
  /\bbut for\b/i,
  /\b[Ss]urfaces? [A-E]\b/,
  /\bwherefore\b|\bthereof\b|\bwhereof\b|\bhitherto\b/i,
];

/** Everything that people read or write by hand. */
const READ = ['README.md', '.github/**/*', 'src/**/*.{md,ts,tsx,html,css}'];

const GENERATED = ['src/crypto/common-passwords-list.ts', 'src/env.d.ts'];

/** The lines of a file in one, without the marks of comments: a phrase may go over the end of a line. */
const joined = (text: string) => text.replaceAll(/\n[ \t]*(?:\*|\/\/|>|-)?[ \t]*/g, ' ');

it('holds no word that is out', () => {
  const files = READ.flatMap(pattern => globSync(pattern)).filter(
    file => !GENERATED.includes(file) && /\.\w+$/.test(file),
  );
  expect(files).toEqual(expect.arrayContaining(['README.md', '.github/SECURITY.md', 'src/errors.ts']));
  const found = files.flatMap(file => {
    const text = joined(readFileSync(file, 'utf8'));
    return OUT.flatMap(word => {
      const at = text.search(word);
      return at < 0 ? [] : [`${file}: … ${text.slice(Math.max(0, at - 40), at + 40)} …`];
    });
  });
  expect(found).toEqual([]);
});
