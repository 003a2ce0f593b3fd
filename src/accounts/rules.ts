/** Decisions about usernames and secrets, and about who may change the secrets. */
import type { DeviceSession } from '../device-sessions/contract.ts';
import { lengthOf, nfc } from '../text.ts';

const USERNAME = /^[A-Za-z][A-Za-z0-9]{4,24}$/;

/** How old a sign-in may be to allow a first password or an erasure. */
const FRESH_MS = 5 * 60_000;

/** 5–25 ASCII letters and digits, first a letter. */
export const isUsername = (text: string): boolean => USERNAME.test(text);

/**
 * What is wrong with a new password, in words for the user who chose it, or null. Its length counts, and whether
 * it is guessed first; what it is composed of does not (NIST SP 800-63B-4 §3.1.1.2). `username` null: not known.
 */
export function passwordFault(
  password: string,
  username: string | null,
  isCommon: (password: string) => boolean,
): string | null {
  const length = lengthOf(password);
  if (length < 8 || length > 128) return 'must be 8–128 characters';
  if (username !== null && fold(password) === fold(username)) return 'must not be the username';
  return isCommon(password) ? 'is one of the most common passwords, which are guessed first' : null;
}

/** An account key whose parts are guessed first must have at least this many other characters. */
const OWN_CHARACTERS = 8;

/**
 * What is wrong with a new account key, in words for its owner, or null. It replaces the password, so it is measured as
 * one: its length counts, and what is guessed first does not.
 */
export function accountKeyFault(
  accountKey: string,
  { username, password }: { username: string | null; password: string },
  isCommon: (password: string) => boolean,
): string | null {
  const length = lengthOf(accountKey);
  if (length < 25 || length > 100) return 'must be 25–100 characters';
  const key = fold(accountKey);
  if (key === fold(password)) return 'must not be the password';
  if (/^[\p{N}\p{P}\p{S}\s]+$/u.test(key)) return 'must not be digits and signs alone';
  if (unitOf(key).length < OWN_CHARACTERS) return 'must not repeat a few characters';
  const guessed = [password, ...(username === null ? [] : [username])].map(fold);
  const own = withoutGuessed(unitOf(key), part => guessed.includes(part) || isCommon(part));
  return own.length < OWN_CHARACTERS ? 'must not be made of passwords or names that are guessed first' : null;
}

/** The part that a text repeats from its beginning to its end; the text itself where there is none. */
function unitOf(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    const unit = text.slice(0, length);
    if (text === unit.repeat(Math.ceil(text.length / length)).slice(0, text.length)) return unit;
  }
  return text;
}

/** The usernames and passwords that are looked for in a key are this long. */
const SHORTEST_GUESS = 5;
const LONGEST_GUESS = 32;

/** What is left of a text without its longest parts that are guessed first, from the left to the right. */
function withoutGuessed(text: string, isGuessed: (part: string) => boolean): string {
  let left = '';
  for (let at = 0; at < text.length; ) {
    let length = Math.min(LONGEST_GUESS, text.length - at);
    while (length >= SHORTEST_GUESS && !isGuessed(text.slice(at, at + length))) length -= 1;
    const found = length >= SHORTEST_GUESS;
    if (!found) left += text[at];
    at += found ? length : 1;
  }
  return left;
}

/** Whether a sign-in happened just now. Both in epoch ms. */
export function isRecent(signedInAt: number, now: number): boolean {
  return now - signedInAt <= FRESH_MS;
}

/**
 * Whether this device session may set a first password. The sign-in must be recent and rest on more than a name, or a
 * stolen token would become ownership.
 */
export function isFreshEnough(
  { proof }: Pick<DeviceSession, 'proof'>,
  signedInAt: number,
  now: number,
): boolean {
  return proof !== 'userId' && isRecent(signedInAt, now);
}

const fold = (text: string) => nfc(text).toLowerCase();
