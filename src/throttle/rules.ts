/** How often somebody may fail: pure counting over facts. All times are epoch ms. */

import { ok, type Result, refuse } from '../result.ts';
import { foldUsername } from '../text.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../times.ts';

const FAILURES_A_ROUND = 10;
const LONGEST_WAIT_MS = 15 * MINUTE_MS;

/** After so long without a try, the failures of one address on one username are forgotten. */
export const PAIR_LIFE_MS = 2 * LONGEST_WAIT_MS;

/** An attempt that was charged and not judged for so long has failed: the Worker that judged it is gone. */
export const PENDING_LIFE_MS = 30 * SECOND_MS;

/** So long after its last success an address may still try while others may not; the newest so many are kept. */
export const KNOWN_LIFE_MS = 90 * DAY_MS;
export const KNOWN_AT_MOST = 100;

/** Failures of one subject in one span of time; a charge counts as one until it is refunded. */
export interface Window {
  startedAt: number;
  endsAt: number;
  failures: number;
}

/** Failures of one address on one username, and its attempts that are being judged. */
export interface Pair extends Window {
  blockedUntil: number;
  /** When each attempt was charged that is not judged yet, the earliest first. `failures` counts them as well. */
  pending: number[];
}

/** What decides over an attempt on a username. */
export interface UsernameFacts {
  pair: Pair | null;
  day: Window | null;
  /** A success on this username is remembered of the address. */
  known: boolean;
}

interface Limit {
  failures: number;
  spanMs: number;
}

const A_USERNAME: Limit = { failures: 100, spanMs: DAY_MS };
const AN_ADDRESS: Limit = { failures: 300, spanMs: HOUR_MS };

const SUBJECT_LENGTH = 64;

/** The name of a username's object. A text too long for a username is cut, and charged in the same way. */
export function usernameSubject(username: string): string {
  return `username:${foldUsername(username).slice(0, SUBJECT_LENGTH)}`;
}

/** The name of an address's object; `network` as `networkOf` has it. */
export function addressSubject(network: string): string {
  return `address:${network}`;
}

/** What the failure of this number costs: nothing, but every tenth a minute, then twice as long, at most fifteen. */
export function waitAfter(failures: number): number {
  if (failures === 0 || failures % FAILURES_A_ROUND !== 0) return 0;
  return Math.min(MINUTE_MS * 2 ** (failures / FAILURES_A_ROUND - 1), LONGEST_WAIT_MS);
}

/**
 * Charges an attempt on a username. A refused one changes nothing: no hash runs for it. `try_again`: the attempts that
 * are being judged could be the last before a wait, so this one must be asked again when one of them is judged.
 */
export function chargeUsername(
  { pair, day, known }: UsernameFacts,
  now: number,
): Result<{ pair: Pair; day: Window }, 'too_many_attempts' | 'try_again'> {
  const before = withLostJudged(alive(pair, now), now);
  if (before && now < before.blockedUntil) return refuse('too_many_attempts');
  const failuresToday = alive(day, now)?.failures ?? 0;
  if (!known && failuresToday >= A_USERNAME.failures) return refuse('too_many_attempts');
  const pending = before?.pending ?? [];
  const judged = (before?.failures ?? 0) - pending.length;
  if (pending.length >= FAILURES_A_ROUND - (judged % FAILURES_A_ROUND)) return refuse('try_again');
  return ok({
    pair: {
      startedAt: before?.startedAt ?? now,
      endsAt: now + PAIR_LIFE_MS,
      failures: (before?.failures ?? 0) + 1,
      blockedUntil: before?.blockedUntil ?? 0,
      pending: [...pending, now],
    },
    day: count(day, A_USERNAME, now),
  });
}

/** The pair once the attempt charged at `chargedAt` was judged to have failed: every tenth failure makes it wait. */
export function failPair(pair: Pair, chargedAt: number, now: number): Pair {
  const pending = without(pair.pending, chargedAt);
  if (pending.length === pair.pending.length) return pair;
  const wait = waitAfter(pair.failures - pending.length);
  return { ...pair, pending, blockedUntil: wait > 0 ? now + wait : pair.blockedUntil };
}

/** Charges an attempt from an address, whatever username it is on. */
export function chargeAddress(hour: Window | null, now: number): Result<Window, 'too_many_attempts'> {
  const failures = alive(hour, now)?.failures ?? 0;
  return failures < AN_ADDRESS.failures ? ok(count(hour, AN_ADDRESS, now)) : refuse('too_many_attempts');
}

/** Takes one charge back from the window it was made in; a window begun since knows nothing of it. */
export function refundWindow<Counted extends Window>(window: Counted, chargedAt: number): Counted {
  const counted = chargedAt >= window.startedAt && window.failures > 0;
  return counted ? { ...window, failures: window.failures - 1 } : window;
}

/** Takes one charge back; where only nine are left of ten, the tenth's wait is over. Nothing else is cleared. */
export function refundPair(pair: Pair, chargedAt: number): Pair {
  const pending = without(pair.pending, chargedAt);
  if (pending.length < pair.pending.length) return { ...pair, pending, failures: pair.failures - 1 };
  const refunded = refundWindow(pair, chargedAt);
  const unblocked = refunded.failures < pair.failures && waitAfter(pair.failures) > 0;
  return unblocked ? { ...refunded, blockedUntil: 0 } : refunded;
}

/** The pair with those attempts failed, at the time they were charged, that were not judged in time. */
function withLostJudged(pair: Pair | null, now: number): Pair | null {
  if (!pair) return null;
  const lost = pair.pending.filter(chargedAt => now - chargedAt >= PENDING_LIFE_MS);
  return lost.reduce((before, chargedAt) => failPair(before, chargedAt, chargedAt), pair);
}

/** The instants without one of this value. */
function without(instants: readonly number[], instant: number): number[] {
  const at = instants.indexOf(instant);
  return at < 0 ? [...instants] : instants.toSpliced(at, 1);
}

function alive<Counted extends Window>(window: Counted | null, now: number): Counted | null {
  return window && now < window.endsAt ? window : null;
}

/** One failure more. A span begins with its first failure. When all its charges were refunded, it begins again. */
function count(window: Window | null, { spanMs }: Limit, now: number): Window {
  const before = alive(window, now);
  if (before && before.failures > 0) return { ...before, failures: before.failures + 1 };
  return { startedAt: now, endsAt: now + spanMs, failures: 1 };
}
