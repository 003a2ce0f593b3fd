/** The rules about text that several parts share: each has one spelling here. Pure, and without imports. */

/** The one form in which text is compared and stored (Unicode NFC). */
export const nfc = (text: string): string => text.normalize('NFC');

/** In Unicode characters after NFC: an é counts once however it was typed, and so does an emoji. */
export const lengthOf = (text: string): number => [...nfc(text)].length;

/** Lower case of the ASCII letters alone, as SQLite's `lower()` gives it: no other letter becomes one of them. */
export const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, letters => letters.toLowerCase());

/** Two usernames are the same where this is. */
export const foldUsername = lowerAscii;

/** Control, format (zero-width, direction), surrogate, line-separating and otherwise invisible characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Joiners between visible characters (scripts and emoji need them), variation selectors, and emoji flag tags. */
const PERMITTED_INVISIBLE =
  /(?<=[^\s\p{C}])[\u200c\u200d](?=[^\s\p{C}])|(?<=[^\s\p{C}])[\ufe0e\ufe0f]|(?<=\u{1f3f4})[\u{e0020}-\u{e007e}]+\u{e007f}/gu;

/** Whether a text holds a character that cannot be seen. */
export const hasInvisible = (text: string): boolean => INVISIBLE.test(text);

/** Whether a text, already NFC, may be shown to people as a name of at most `max` characters. */
export function isCleanName(text: string, max: number): boolean {
  const length = lengthOf(text);
  return length >= 1 && length <= max && !hasInvisible(text.replace(PERMITTED_INVISIBLE, ''));
}

/** What starts, overrides or isolates a writing direction: it makes a text read as another one. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text holds a character that changes the direction it is read in. */
export const changesDirection = (text: string): boolean => DIRECTION.test(text);

const LINE_BREAKS = /[\t\n\v\f\r\u0085\p{Zl}\p{Zp}]+/gu;
const HIDDEN = new RegExp(`(${PERMITTED_INVISIBLE.source})|${INVISIBLE.source}`, 'gu');

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
    const next = nfc(cut(visible.trim(), max)).trim();
    if (next === kept) return kept;
    kept = next;
  }
}
