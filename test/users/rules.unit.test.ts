import { expect, it } from 'vitest';
import { isUserId } from '../../src/users/rules.ts';

it.each([
  'a',
  'ada@example.com',
  'Ada Lovelace',
  '漢字',
  'x'.repeat(72),
  '😀'.repeat(72),
  '#$%',
  'guest',
  'ME',
  'a.b',
  "o'brien",
])('takes %j for a userId', text => {
  expect(isUserId(text)).toBe(true);
});

it.each([
  '',
  'x'.repeat(73),
  'me',
  '.system',
  '.',
  'guest:1',
  'a,b',
  'a/b',
  'a\\b',
  'a?b',
  'a\u0000b',
  'a\nb',
  'a\u200bb',
  'a\u200db',
  'a\u202eb',
  'a\u2066b',
  '\ufeffa',
  'a\ud800b',
  'a\u3164b',
  ' ',
  'alice ',
  ' alice',
  'a  b',
  'a\u00a0b',
  'a\u2003b',
  'alice\u00a0',
  '\u2800',
  'a\u2800b',
  '\u3000',
  'alice\ue000',
  'alice\ufffe',
  'alice\u0378',
  '\u0301',
  `a${'\u0335'.repeat(9)}`,
])('refuses %j as a userId', text => {
  expect(isUserId(text)).toBe(false);
});
