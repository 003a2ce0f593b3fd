/** What people may call themselves and keep secret, and who may touch the secrets: decisions over facts alone. */
import type { DeviceSession } from '../device-sessions/contract.ts';
import { lengthOf, nfc } from '../text.ts';

const USERNAME = /^[A-Za-z][A-Za-z0-9]{4,24}$/;

/** How long ago a sign-in may be to vouch for a new password and for erasure. */
const FRESH_MS = 5 * 60_000;

/** 5–25 ASCII letters and digits, first a letter. */
export const isUsername = (text: string): boolean => USERNAME.test(text);

/**
 * What is wrong with a new password, in words for whoever chose it, or null. Its length counts, and that nobody
 * guesses it first; what it is composed of does not (NIST SP 800-63B-4 §3.1.1.2). `username` null: not known.
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

/** What restores an account: 25–100 characters. */
export function isAccountKey(text: string): boolean {
  const length = lengthOf(text);
  return length >= 25 && length <= 100;
}

/** Whether somebody signed in on this device just now, and did not merely leave it. `now` in epoch ms. */
export function isRecent({ createdAt }: Pick<DeviceSession, 'createdAt'>, now: number): boolean {
  return now - createdAt <= FRESH_MS;
}

/**
 * Whether the bearer of this device session may set a first password: the sign-in must be recent and rest on more than
 * a name, or a stolen token would become ownership.
 */
export function isFreshEnough(session: Pick<DeviceSession, 'createdAt' | 'proof'>, now: number): boolean {
  return session.proof !== 'userId' && isRecent(session, now);
}

const fold = (text: string) => nfc(text).toLowerCase();
