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
])('refuses %j as a userId', text => {
  expect(isUserId(text)).toBe(false);
});
