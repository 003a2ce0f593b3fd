import { nfc } from '../text.ts';
import { commonPasswords } from './common-passwords-list.ts';

let known: ReadonlySet<string> | undefined;

/** Whether a password is among the most common ones of at least 8 characters, in any letter case. */
export function isCommonPassword(password: string): boolean {
  known ??= readList();
  return known.has(nfc(password).toLowerCase());
}

/**
 * The list is sorted and front-coded: a capital counts the characters that an entry shares with the one before (`A` none,
 * `B` one), and the rest of the entry follows. It is read when it is first needed, so that no other request waits for it.
 */
function readList(): ReadonlySet<string> {
  const words = new Set<string>();
  let word = '';
  for (const [, shared = '', rest = ''] of commonPasswords.matchAll(/([A-Z])([^A-Z\n]*)/g)) {
    word = word.slice(0, shared.charCodeAt(0) - 'A'.charCodeAt(0)) + rest;
    words.add(word);
  }
  return words;
}
