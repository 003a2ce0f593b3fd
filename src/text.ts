/** The rules about text that several parts share: each has one spelling here. Pure, and without imports. */

/** The one form in which text is compared and stored (Unicode NFC). */
export const nfc = (text: string): string => text.normalize('NFC');

/** In Unicode characters after NFC: an é counts once however it was typed, and so does an emoji. */
export const lengthOf = (text: string): number => [...nfc(text)].length;

/**
 * Two usernames are the same where this is. Lower case of the ASCII letters only, as SQLite's `lower()` gives it, so that no
 * other letter becomes one of them.
 */
export const foldUsername = (text: string): string =>
  text.replace(/[A-Z]+/g, letters => letters.toLowerCase());

/**
 * Characters that cannot be seen or told apart: control, format (zero-width, direction), line-separating
 * and otherwise ignored ones, surrogates, private-use and unassigned code points.
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** What shows as empty space: white space, the braille pattern without dots, the null note of music. */
const BLANK = '[\\p{White_Space}\\u2800\\u{1d159}]';
const BLANK_ENDS = new RegExp(`^${BLANK}|${BLANK}$`, 'u');
/** A mark with nothing to stand on. */
const BARE_MARK = new RegExp(`^\\p{M}|${BLANK}\\p{M}`, 'u');

/** Marks that any letter can take: real names have up to three on one. Scripts with marks of their own have more. */
const COMMON_MARK = '[\\p{M}&&\\p{Script=Inherited}]';
const PILES = new RegExp(`${COMMON_MARK}{4,}|\\p{M}{8,}`, 'v');

/** Whether a text has the looks of nothing or of another one: blank at an end, a bare mark, or a pile of marks. */
const isObscure = (text: string): boolean =>
  BLANK_ENDS.test(text) || BARE_MARK.test(text) || PILES.test(text);

/** Joiners between visible characters (scripts and emoji need them), variation selectors, and emoji flag tags. */
const PERMITTED_INVISIBLE =
  /(?<=[^\s\p{C}])[\u200c\u200d](?=[^\s\p{C}])|(?<=[^\s\p{C}])[\ufe0e\ufe0f]|(?<=\u{1f3f4})[\u{e0020}-\u{e007e}]+\u{e007f}/gu;

/** Whether a text holds a character that cannot be seen. */
const hasInvisible = (text: string): boolean => INVISIBLE.test(text);

/** Whether a text, already NFC, is a label of at most `max` characters: no name of anybody, so that it may be blank. */
export function isCleanLabel(text: string, max: number): boolean {
  const length = lengthOf(text);
  return length >= 1 && length <= max && !hasInvisible(text.replace(PERMITTED_INVISIBLE, ''));
}

/** Whether a text, already NFC, may be shown to people as a name of at most `max` characters. */
export const isCleanName = (text: string, max: number): boolean =>
  isCleanLabel(text, max) && !isObscure(text);

/** Whether a text, already NFC, may be shown to people as prose of at most `max` characters: a name with line breaks. */
export function isCleanText(text: string, max: number): boolean {
  const length = lengthOf(text);
  const unbroken = text.replace(PERMITTED_INVISIBLE, '').replace(/\r?\n|\t/g, ' ');
  return length >= 1 && length <= max && !PILES.test(text) && !hasInvisible(unbroken);
}

/** White space other than single spaces between two characters: two ids would look like one. */
const ODD_SPACE = /[^\S ]| {2}|[\u2800\u{1d159}]/u;

/** Whether a text, already NFC, is told from every other one at a glance, as an id must be. */
export const isClearId = (text: string): boolean =>
  !isObscure(text) && !ODD_SPACE.test(text) && !hasInvisible(text);

/** What starts, overrides or isolates a writing direction: it makes a text read as another one. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text holds a character that changes the direction it is read in. */
export const changesDirection = (text: string): boolean => DIRECTION.test(text);

const LINE_BREAKS = /[\t\n\v\f\r\u0085\p{Zl}\p{Zp}]+/gu;
const HIDDEN = new RegExp(`(${PERMITTED_INVISIBLE.source})|${INVISIBLE.source}`, 'gu');

const BLANK_AROUND = new RegExp(`^(?:${BLANK}|\\p{M})+|${BLANK}+$`, 'gu');
const UNSUPPORTED = new RegExp(`(${BLANK})\\p{M}+`, 'gu');
/** The marks of a pile that are too many. */
const PILED = new RegExp(`(?<=${COMMON_MARK}{3})${COMMON_MARK}|(?<=\\p{M}{7})\\p{M}`, 'gv');

/** The first `max` Unicode characters of a text. */
export const cut = (text: string, max: number): string => [...text].slice(0, max).join('');

/**
 * The text as a name that `isCleanName` takes, or `''` where nothing of it is left. A space stands for line breaks,
 * other invisible characters go, and what is too long is cut. A clean name stays as it is.
 */
export function cleanName(text: string, max: number): string {
  let kept = nfc(text);
  if (isCleanName(kept, max)) return kept;
  // What goes may leave a joiner without a neighbour, or letters that compose: once more, until nothing changes.
  for (;;) {
    const visible = kept.replace(LINE_BREAKS, ' ').replace(HIDDEN, (_, permitted = '') => permitted);
    const told = visible.replace(PILED, '').replace(UNSUPPORTED, '$1');
    const next = nfc(cut(told.replace(BLANK_AROUND, ''), max)).replace(BLANK_AROUND, '');
    if (next === kept) return kept;
    kept = next;
  }
}
