import { expect, it } from 'vitest';
import { type KeyName, readAccessPair, readKey, writeAccessKey, writeKey } from '../../src/keys/rules.ts';

const name: KeyName = { kind: 'pk', version: 3, id: '0123456789abcdef0123456789abcdef' };
const secret = 'A-_'.padEnd(43, 'x');

it('reads what it writes', () => {
  expect(readKey(writeKey(name, secret))).toEqual({ ...name, secret });
});

it('takes every slip of the hand for what it is', () => {
  const text = writeKey(name, secret);
  for (let index = 0; index < text.length; index += 1) {
    const slipped = `${text.slice(0, index)}${text[index] === '7' ? '8' : '7'}${text.slice(index + 1)}`;
    expect(readKey(slipped), slipped).toBe(null);
  }
  for (const other of ['', 'pk', `${text} `, text.toUpperCase(), text.slice(1), `${text}${text}`]) {
    expect(readKey(other)).toBe(null);
  }
});

it('reads an access pair as the secret key it stands for', () => {
  const standard = `${secret.replaceAll('-', '+').replaceAll('_', '/')}=`;
  expect(readAccessPair(writeAccessKey(name), standard)).toEqual({ ...name, kind: 'sk', secret });
  expect(readAccessPair(writeAccessKey(name), secret)).toBe(null);
  expect(readAccessPair(writeKey(name, secret), standard)).toBe(null);
});
