import { describe, expect, it } from 'vitest';
import { foldUsername, isCleanName, lengthOf } from '../src/text.ts';

it('folds a username by ASCII alone, so that no other letter becomes one of its own', () => {
  expect(foldUsername('Alice5')).toBe('alice5');
  expect(foldUsername('ALICE5')).toBe(foldUsername('aLiCe5'));
  expect(foldUsername('\u212aELVIN')).toBe('\u212aelvin');
  expect(foldUsername('\u0130STANBUL')).toBe('\u0130stanbul');
});

it('counts characters as people do', () => {
  expect(lengthOf('e\u0301')).toBe(1);
  expect(lengthOf('😀')).toBe(1);
  expect(lengthOf('')).toBe(0);
});

describe('a name people read', () => {
  it.each(['Ada', '👩‍👩‍👧', '❤️', 'نمی‌خواهم', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'क्‍ष', 'x'.repeat(100), '<script>'])(
    'takes %j for a name',
    text => {
      expect(isCleanName(text, 100)).toBe(true);
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
    expect(isCleanName(text, 100)).toBe(false);
  });
});
