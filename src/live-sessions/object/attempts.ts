/** How often somebody may try: pure counting over facts, `now` in epoch ms. */
import { ok, type Result, refuse } from '../../result.ts';
import { MINUTE_MS } from '../../times.ts';

const JOINS_A_MINUTE = 10;
const FREE_FAILURES = 10;
const LONGEST_BLOCK_MS = 15 * MINUTE_MS;
const NETWORK_FAILURES_A_MINUTE = 20;
const SESSION_FAILURES_A_MINUTE = 100;
/** A network that has not failed for so long counts as one without failures. */
export const NETWORK_REMEMBERED_MS = 15 * MINUTE_MS;

/** After so long without a try, nothing needs to be remembered. */
export const ATTEMPTS_FORGOTTEN_MS = 2 * LONGEST_BLOCK_MS;

/** One person's tries at one live session. */
export interface Attempts {
  minuteAt: number;
  joins: number;
  failures: number;
  blockedUntil: number;
  lastAt: number;
}

/** Wrong passwords at one live session, of people who are not in it, from networks that failed before. */
export interface SessionFailures {
  minuteAt: number;
  failures: number;
}

/** Wrong passwords from one network, of people who are not in the session: in this minute, and when the last one came. */
export interface NetworkFailures {
  minuteAt: number;
  failures: number;
  lastAt: number;
}

export const noNetworkFailures: NetworkFailures = { minuteAt: 0, failures: 0, lastAt: 0 };
export const noAttempts: Attempts = { minuteAt: 0, joins: 0, failures: 0, blockedUntil: 0, lastAt: 0 };
export const noFailures: SessionFailures = { minuteAt: 0, failures: 0 };

/** Charges a join: at most ten a minute and person, and none while wrong passwords cost them a wait. */
export function chargeJoin(attempts: Attempts, now: number): Result<Attempts, 'too_many_attempts'> {
  if (now < attempts.blockedUntil) return refuse('too_many_attempts', attempts.blockedUntil - now);
  const sameMinute = now - attempts.minuteAt < MINUTE_MS;
  if (sameMinute && attempts.joins >= JOINS_A_MINUTE) {
    return refuse('too_many_attempts', attempts.minuteAt + MINUTE_MS - now);
  }
  return ok({
    ...attempts,
    minuteAt: sameMinute ? attempts.minuteAt : now,
    joins: sameMinute ? attempts.joins + 1 : 1,
    lastAt: now,
  });
}

/** A wrong password: every tenth costs a wait, one minute, then twice as long each time, at most fifteen. */
export function chargeFailure(attempts: Attempts, now: number): Attempts {
  const failures = attempts.failures + 1;
  const rounds = Math.floor(failures / FREE_FAILURES);
  const waits =
    failures % FREE_FAILURES === 0 ? Math.min(MINUTE_MS * 2 ** (rounds - 1), LONGEST_BLOCK_MS) : 0;
  return { ...attempts, failures, blockedUntil: now + waits };
}

/** Whether the session as a whole still listens to people who are not in it, from networks that failed before. */
export function chargeStranger(
  session: SessionFailures,
  now: number,
): Result<undefined, 'too_many_attempts'> {
  return withinMinute(session, SESSION_FAILURES_A_MINUTE, now);
}

/**
 * Whether a try from this network, of somebody who is not in, goes through. A network that has not failed lately is heard,
 * whatever other networks do: guessing from elsewhere does not keep out a person who knows the password.
 */
export function chargeFrom(
  network: NetworkFailures,
  session: SessionFailures,
  now: number,
): Result<undefined, 'too_many_attempts'> {
  if (network.lastAt === 0 || now - network.lastAt >= NETWORK_REMEMBERED_MS) return ok(undefined);
  const own = withinMinute(network, NETWORK_FAILURES_A_MINUTE, now);
  return own.ok ? chargeStranger(session, now) : own;
}

function withinMinute(
  { minuteAt, failures }: SessionFailures,
  most: number,
  now: number,
): Result<undefined, 'too_many_attempts'> {
  if (now - minuteAt >= MINUTE_MS || failures < most) return ok(undefined);
  return refuse('too_many_attempts', minuteAt + MINUTE_MS - now);
}

/** One failure more in this minute, of a network or of the session. */
export function chargeSession(session: SessionFailures, now: number): SessionFailures {
  if (now - session.minuteAt >= MINUTE_MS) return { minuteAt: now, failures: 1 };
  return { ...session, failures: session.failures + 1 };
}

export function chargeNetwork(network: NetworkFailures, now: number): NetworkFailures {
  return { ...chargeSession(network, now), lastAt: now };
}
