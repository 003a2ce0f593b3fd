import { expect, it } from 'vitest';
import { cleanName, isUserId } from '../../src/users/rules.ts';

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

it.each(['Ada', '👩‍👩‍👧', '❤️', 'نمی‌خواهم', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'क्‍ष', 'x'.repeat(100), '<script>'])(
  'takes %j for a name',
  text => {
    expect(cleanName(text, 100)).toBe(true);
  },
);

it.each([
  '',
  'x'.repeat(101),
  'a\tb',
  'a\u202eb',
  '\u200d',
  'a\u200b',
  'a\u200d',
  '\ufe0f',
  'a\u2028b',
  '\u{e0041}',
])('refuses %j as a name', text => {
  expect(cleanName(text, 100)).toBe(false);
});
