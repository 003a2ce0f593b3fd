import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanName, foldUsername, isCleanName, isCleanText, lengthOf } from '../src/text.ts';

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

describe('a name that looks like nothing or like another one', () => {
  it.each([
    ' ',
    ' Ada',
    'Ada ',
    '\u00a0',
    '\u3000',
    '\u2800',
    'Ada\u2800',
    '\u{1d159}',
    'Ada\ue000',
    'Ada\ufffe',
    'Ada\u0378',
    '\u{10fffd}',
    '\u0301',
    'Ada \u0301',
    `a${'\u0335\u0301\u0316\u0323\u0335'}`,
    `Ada${'\u0335'.repeat(99)}`,
    `\u0e01${'\u0e49'.repeat(8)}`,
  ])('is refused: %j', text => {
    expect(isCleanName(text.normalize('NFC'), 200)).toBe(false);
  });

  it.each([
    'Nguyễn Thị Ánh',
    'Zoë',
    'מַלְכָּה',
    'ក្រសួងស្ត្រី',
    'မြွှေး',
    'བརྒྱུད',
    'น้ำผึ้ง',
    'نمی‌خواهم',
    '❤️',
    '1️⃣',
    '👩🏽‍🚀',
    'Ada  Lovelace',
    '⠓⠑⠇⠇⠕⠀⠓⠊',
  ])('is not %j', text => {
    expect(isCleanName(text.normalize('NFC'), 200)).toBe(true);
  });
});

describe('a text people read', () => {
  it.each(['One\nTwo', 'One\r\n\r\nTwo', ' indented', 'a\tb', 'ends with a break\n', 'x'])(
    'takes %j',
    text => {
      expect(isCleanText(text, 100)).toBe(true);
    },
  );

  it.each(['', 'x'.repeat(101), 'a\u0000', 'a\u202eb', 'a\rb', 'a\u200bb', `a${'\u0335'.repeat(9)}`])(
    'refuses %j',
    text => {
      expect(isCleanText(text, 100)).toBe(false);
    },
  );
});

describe('a name that is cleaned', () => {
  it.each([
    ['Ada Lovelace', 'Ada Lovelace'],
    ['Ada\nLovelace', 'Ada Lovelace'],
    ['  Ada\r\n\tLovelace\n', 'Ada Lovelace'],
    ['Ada\u2028Lovelace', 'Ada Lovelace'],
    ['A\u0000da\u200b', 'Ada'],
    ['x'.repeat(101), 'x'.repeat(100)],
    ['😀'.repeat(120), '😀'.repeat(100)],
    [`${'x'.repeat(99)}👩\u200d👧`, `${'x'.repeat(99)}👩`],
    [`${'x'.repeat(98)}👩\u200d👧`, `${'x'.repeat(98)}👩`],
    ['e\u200b\u0301', 'é'],
    ['\n\u200b', ''],
    ['\u3000Ada\u2800', 'Ada'],
    ['\u2800\u00a0', ''],
    ['Ada\ue000\ufffe', 'Ada'],
    [`x${'\u0335'.repeat(9)}`, `x${'\u0335'.repeat(3)}`],
    ['\u0335Ada', 'Ada'],
    ['', ''],
  ])('becomes of %j %j', (text, kept) => {
    expect(cleanName(text, 100)).toBe(kept);
  });

  it('is one that people may read, or nothing, whatever the text was', () => {
    const character = fc.oneof(
      fc.constantFrom(
        ...'a \n\u200b\u200d\ufe0f\u0301\u0335\u0316\u202e\u2028\u2800\ue000\ufffe\u3000',
        '👩',
        '\u{1f3f4}',
        '\u{e0067}',
        '\u{e007f}',
      ),
      fc.string({ unit: 'binary', maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.array(character, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (parts, max) => {
        const kept = cleanName(parts.join(''), max);
        expect(kept === '' || isCleanName(kept, max)).toBe(true);
        expect(cleanName(kept, max)).toBe(kept);
      }),
    );
  });
});
