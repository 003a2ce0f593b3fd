import { describe, expect, it } from 'vitest';
import { accountKeyFault, isFreshEnough, isUsername, passwordFault } from '../../src/accounts/rules.ts';
import { isCommonPassword } from '../../src/crypto/common-passwords.ts';
import { searchKind } from '../../src/search/rules.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
/** One character to people and to Unicode's count, two to JavaScript's, four bytes. */
const EMOJI = '😀';
/** One character after NFC, two before. */
const ACCENTED = 'e\u0301';

describe('a username', () => {
  it.each(['Alice', 'a1234', 'ALICE', `a${'1'.repeat(24)}`])('may be %j', text => {
    expect(isUsername(text)).toBe(true);
  });

  it.each([
    '',
    'abcd',
    `a${'1'.repeat(25)}`,
    '1alice',
    'alice smith',
    'alice_smith',
    'alice-smith',
    'alice.smith',
    'alice:smith',
    'alicé',
    'аlice',
    '\u212aelvin',
    'alice\n',
    ' alice',
    'alice\u0000',
    'alice\u200b',
  ])('may not be %j', text => {
    expect(isUsername(text)).toBe(false);
  });
});

describe('S18 a new password', () => {
  const fault = (password: string, username: string | null = 'Alice5678') =>
    passwordFault(password, username, isCommonPassword);

  it.each([
    ['8 characters', 'kx7 qv2w'],
    ['128 characters', 'x'.repeat(128)],
    ['8 emoji', EMOJI.repeat(8)],
    ['128 emoji', EMOJI.repeat(128)],
    ['128 accents of two parts each', ACCENTED.repeat(128)],
    ['spaces alone', ' '.repeat(12)],
    ['one letter alone', 'k'.repeat(30)],
    ['digits alone', '8305917264'],
    ['control characters', 'a\u0000b\u0001c\td\n'],
    ['colons', ':::::::::'],
    ['its username and more', 'Alice5678!'],
  ])('may be %s', (_, password) => {
    expect(fault(password)).toBe(null);
  });

  it.each([
    ['nothing', ''],
    ['7 characters', 'kx7 qv2'],
    ['7 emoji', EMOJI.repeat(7)],
    ['7 accents, which are 14 before NFC', ACCENTED.repeat(7)],
    ['129 characters', 'x'.repeat(129)],
    ['129 emoji', EMOJI.repeat(129)],
  ])('may not be %s', (_, password) => {
    expect(fault(password)).toContain('8–128');
  });

  it.each(['password', 'PassWord', '12345678', 'qwertyuiop', 'Trustno1'])(
    'may not be %j, which is common',
    password => {
      expect(fault(password)).toContain('common');
    },
  );

  it.each(['Alice5678', 'alice5678', 'ALICE5678'])('may not be its username as %j', password => {
    expect(fault(password)).toContain('username');
    expect(fault(password, null)).toBe(null);
    expect(fault(password, 'Bob45678')).toBe(null);
  });
});

const others = { username: 'countess', password: 'correct horse battery' };
const keyFault = (key: string) => accountKeyFault(key, others, isCommonPassword);

it.each([
  [24, false],
  [25, true],
  [100, true],
  [101, false],
])('an account key of %i characters: %s', (length, may) => {
  for (const character of ['k', EMOJI, ACCENTED]) {
    const key = `${character.repeat(length - 12)}ghostwriters`;
    expect(keyFault(key) === null).toBe(may);
  }
});

it.each([
  ['one character', 'k'.repeat(25)],
  ['blanks', ' '.repeat(25)],
  ['digits', '1234567890123456789012345'],
  ['digits of another script', '٣'.repeat(24).concat('١')],
  ['digits and signs', '1234-5678-9012-3456-7890-1234'],
  ['a few characters again and again', 'abcabcabcabcabcabcabcabcabc'],
  ['a common password again and again', 'passwordpasswordpassword1'],
  ['common passwords in a row', 'Password1234567890qwertyuiop'],
  ['the username again and again', 'countessCountesscountess!!'],
  ['the password again', 'correct horse batteryCORRECT HORSE BATTERY'],
])('refuses an account key of %s', (_, key) => {
  expect(keyFault(key)).toBeTypeOf('string');
});

it.each([
  'a key that is long enough',
  crypto.randomUUID(),
  'password manager of Ada, shelf 3',
  '0x6fF3a9b2c41d5e8f7a6b5c4d3e2f1a0b',
])('takes the account key %s', key => {
  expect(keyFault(key)).toBe(null);
});

it.each([
  [0, null],
  [1, null],
  [2, 'prefix'],
  [3, 'substring'],
  [32, 'substring'],
  [33, null],
])('a search text of %i characters is looked for as %s', (length, kind) => {
  for (const character of ['k', EMOJI, ACCENTED]) expect(searchKind(character.repeat(length))).toBe(kind);
});

describe('S23 a device session', () => {
  it.each(['password', 'wallet', 'authToken', 'token'] as const)(
    'opened by %s vouches for five minutes',
    proof => {
      expect(isFreshEnough({ proof }, NOW, NOW)).toBe(true);
      expect(isFreshEnough({ proof }, NOW, NOW + 300_000)).toBe(true);
      expect(isFreshEnough({ proof }, NOW, NOW + 300_001)).toBe(false);
    },
  );

  it('opened by a bare userId never vouches', () => {
    expect(isFreshEnough({ proof: 'userId' }, NOW, NOW)).toBe(false);
  });
});
