import { dictionary } from '@zxcvbn-ts/language-common';
import { describe, expect, it } from 'vitest';
import { isCommonPassword } from '../../src/crypto/common-passwords.ts';

/** The most common first. */
const long = dictionary['passwords-common'].filter(password => password.length >= 8);

describe('S18 a common password', () => {
  it('is each of the 10,000 most common there are of 8 characters and more, and no other', () => {
    expect(long.length).toBeGreaterThan(10_000);
    expect(long.slice(0, 10_000).filter(password => !isCommonPassword(password))).toEqual([]);
    expect(long.slice(10_000).filter(isCommonPassword)).toEqual([]);
  });

  it('is one in whatever case', () => {
    for (const password of ['password', 'PASSWORD', 'PassWord', 'Trustno1', '!QAZ2wsx']) {
      expect(isCommonPassword(password)).toBe(true);
    }
  });

  it('is not what merely looks like one, nor a piece of how the list is kept', () => {
    for (const password of [
      '',
      'password ',
      ' password',
      'passwor',
      'password\n',
      'pаssword',
      'A!qaz2wsx',
      '\n',
    ]) {
      expect(isCommonPassword(password)).toBe(false);
    }
  });
});
