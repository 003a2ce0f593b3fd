import { ok, type Result, refuse } from '../result.ts';
import type { Ban, UserRecord } from '../users/contract.ts';
import { isBanned } from '../users/rules.ts';
import type { DeviceSession, PresentedSession } from './contract.ts';
import type { Lineage, TokenStamp } from './rotation.ts';

/** The oldest device session ends when one more is opened. */
export const MOST_DEVICE_SESSIONS = 100;
export const MOST_LIVE_SESSIONS = 20;

/** How long an ending call waits for the live sessions before it answers 503. */
export const DELIVERY_WAIT_MS = 2_000;

/** How long it is remembered that a user was erased: longer than a sign-in that read them before may be on its way. */
const ERASED_FOR_MS = 15 * 60_000;

const TOUCH_EVERY_MS = 10 * 60_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;

export interface CopyVersions {
  version: number;
  credentialVersion: number;
}

/** The instant from which a device session is no more. */
export function endOf(session: Pick<DeviceSession, 'absoluteEndAt' | 'idleEndAt'>): number {
  return Math.min(session.absoluteEndAt, session.idleEndAt ?? Number.POSITIVE_INFINITY);
}

/** Whether the presented device session stands, and whether its use is due to be noted. */
export function authenticate(
  session: DeviceSession | null,
  { jti }: Pick<PresentedSession, 'jti'>,
  now: number,
): Result<{ touch: boolean }, 'session_ended'> {
  if (!session || now >= endOf(session)) return refuse('session_ended');
  // Of a token that was issued to be handed on, only the last one made is good: an extended one replaces its elder.
  const replaced = session.openedBy === 'D' && jti !== session.lineage.current.accessJti;
  if (replaced) return refuse('session_ended');
  return ok({ touch: now - session.lastUsedAt >= TOUCH_EVERY_MS });
}

export interface OpeningFacts {
  /** Versions of the copy the object holds; null where it never held one. */
  held: CopyVersions | null;
  /** Versions of the record the caller read in D1. */
  offered: CopyVersions & Pick<UserRecord, 'entry' | 'keptSid'>;
  /** Every device session there is, the oldest first, also those whose end the alarm has not seen to yet. */
  sessions: readonly DeviceSession[];
  deviceId: string;
  ban: Ban | null;
}

/**
 * Whether a sign-in stands, and which device sessions end for it. One that read D1 before a change which has
 * reached the object is stale: it may rest on a password or an entry that is no more, and is read again.
 */
export function open(
  facts: OpeningFacts,
  now: number,
): Result<{ ending: string[] }, 'banned' | 'stale_record'> {
  if (isBanned(facts.ban, now)) return refuse('banned');
  if (facts.held && isOlder(facts.offered, facts.held)) return refuse('stale_record');
  const { sessions, deviceId, offered } = facts;
  const closed = endedByCopy(offered, sessions);
  const gone = (session: DeviceSession) =>
    now >= endOf(session) || session.deviceId === deviceId || closed.includes(session.id);
  const kept = sessions.filter(session => !gone(session));
  const pushedOut = kept.slice(0, Math.max(0, kept.length + 1 - MOST_DEVICE_SESSIONS));
  return ok({ ending: [...sessions.filter(gone), ...pushedOut].map(session => session.id) });
}

/**
 * Which device sessions end with a new copy: once the entry is closed, those that a bare `userId` opened; with new
 * credentials, those that rest on earlier ones, but for the one that gave the new.
 */
export function endedByCopy(
  { entry, credentialVersion, keptSid }: OpeningFacts['offered'],
  sessions: readonly Pick<DeviceSession, 'id' | 'proof' | 'credentialVersion'>[],
): string[] {
  return sessions
    .filter(
      session =>
        (entry === 'closed' && session.proof === 'userId') ||
        (session.credentialVersion < credentialVersion && session.id !== keptSid),
    )
    .map(session => session.id);
}

/** A device session with its next pair of tokens: the idle end moves, the absolute one never does. */
export function refreshed(session: DeviceSession, lineage: Lineage, now: number): DeviceSession {
  const idleEndAt = session.idleMs === null ? null : now + session.idleMs;
  return { ...session, lineage, idleEndAt, lastUsedAt: now };
}

/** An issued token may be extended again and again, but to no more than this after it was created. */
const LONGEST_TOKEN_LIFE_MS = 365 * 24 * 60 * 60_000;

/**
 * An issued token with its end put off to `ttlMs` from now, under a new stamp: the text of before is worth nothing any
 * more. Its user may ask for no longer a life than it was issued with; and only such tokens can be extended.
 */
export function extended(
  session: DeviceSession,
  { ttlMs, bySystem }: { ttlMs: number; bySystem: boolean },
  stamp: TokenStamp,
  now: number,
): Result<DeviceSession, 'token_not_extendable' | 'token_life_exceeded' | 'missing_privilege'> {
  const { createdAt, issuedForMs } = session;
  if (issuedForMs === undefined) return refuse('token_not_extendable');
  if (!bySystem && ttlMs > issuedForMs) return refuse('missing_privilege');
  if (now + ttlMs > createdAt + LONGEST_TOKEN_LIFE_MS) return refuse('token_life_exceeded');
  const lineage = { current: stamp, previousJti: null };
  return ok({ ...session, lineage, accessMs: ttlMs, absoluteEndAt: now + ttlMs, lastUsedAt: now });
}

/** An older copy never replaces a newer one. */
export function isOlder(offered: CopyVersions, held: CopyVersions): boolean {
  return offered.version < held.version || offered.credentialVersion < held.credentialVersion;
}

/** Whether one more live session may be noted, given those noted already. */
export function noteLiveSession(
  noted: readonly string[],
  liveId: string,
): Result<undefined, 'too_many_live_sessions'> {
  if (noted.includes(liveId) || noted.length < MOST_LIVE_SESSIONS) return ok(undefined);
  return refuse('too_many_live_sessions');
}

/** When the end of a device session is told again to a live session that did not answer. */
export function retryAt(attempts: number, now: number): number {
  return now + Math.min(FIRST_RETRY_MS * 2 ** attempts, LONGEST_RETRY_MS);
}

/**
 * The one alarm: the earliest end of a device session, the next delivery or, of an erased user who has none left, when
 * the last trace goes. Null where nothing is pending.
 */
export function nextAlarm(
  sessions: readonly Pick<DeviceSession, 'absoluteEndAt' | 'idleEndAt'>[],
  nextDeliveryAt: number | null,
  erasedAt: number | null = null,
): number | null {
  const forgottenAt = erasedAt === null ? Number.POSITIVE_INFINITY : erasedAt + ERASED_FOR_MS;
  const earliest = Math.min(...sessions.map(endOf), nextDeliveryAt ?? forgottenAt);
  return Number.isFinite(earliest) ? earliest : null;
}

/** Whether nothing has to be remembered of an erased user any more: what was on its way when they went is long refused. */
export function mayForget(erasedAt: number, now: number): boolean {
  return now >= erasedAt + ERASED_FOR_MS;
}
