import { ok, type Result, refuse } from '../result.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../times.ts';
import type { Ban } from '../users/contract.ts';
import { isBanned } from '../users/rules.ts';
import type { DeviceSession, OpenedBy, PresentedSession, Proof } from './contract.ts';
import {
  type CopyVersions,
  endedByCopy,
  isOlder,
  type Offered,
  type Over,
  raisesEpoch,
} from './copy-rules.ts';
import type { Lineage, TokenStamp } from './rotation.ts';

/** The device session that was used longest ago ends when one more is opened. */
export const MOST_DEVICE_SESSIONS = 100;
export const MOST_LIVE_SESSIONS = 20;

const TOUCH_EVERY_MS = 10 * MINUTE_MS;

/** The instant from which a sign-in is no more. */
export function endOfLineage(lineage: Pick<Lineage, 'absoluteEndAt' | 'idleEndAt'>): number {
  return Math.min(lineage.absoluteEndAt, lineage.idleEndAt ?? Number.POSITIVE_INFINITY);
}

/** The instant from which a device session is no more: the end of its sign-in that stands longest. */
export function endOf({ lineages }: Pick<DeviceSession, 'lineages'>): number {
  return Math.max(...lineages.map(endOfLineage));
}

/** The sign-in that a token descends from; null where it is none of those that stand. */
export function lineageOf(
  session: DeviceSession,
  { lin }: Pick<PresentedSession, 'lin'>,
  now: number,
): Lineage | null {
  const lineage = session.lineages.find(({ id }) => id === (lin ?? session.id));
  return lineage && now < endOfLineage(lineage) ? lineage : null;
}

/**
 * When the bearer of a token signed in, epoch ms. A later sign-in on the same device does not make an earlier token fresh,
 * and a token that does not say when is not fresh at all.
 */
export function signedInAt(
  { lineages }: Pick<DeviceSession, 'lineages'>,
  { lin, auth_time }: Pick<PresentedSession, 'lin' | 'auth_time'>,
): number {
  if (lin === undefined || auth_time === undefined) return Number.NEGATIVE_INFINITY;
  return lineages.find(({ id }) => id === lin)?.signedInAt ?? auth_time * SECOND_MS;
}

/** Whether the sign-in of a token was ended while the device session went on: it was one of the others. */
function isEndedLineage(
  { id, lineages, othersEndedAt }: DeviceSession,
  { lin = id, auth_time = 0 }: Pick<PresentedSession, 'lin' | 'auth_time'>,
): boolean {
  // A sign-in that many later ones pushed out cannot be refreshed, but its access token is good until it expires.
  if (othersEndedAt === undefined || lineages.some(lineage => lineage.id === lin)) return false;
  return auth_time * SECOND_MS <= othersEndedAt;
}

/** Whether the presented device session stands, and whether its use is due to be noted. */
export function authenticate(
  session: DeviceSession | null,
  presented: Omit<PresentedSession, 'sid'>,
  now: number,
): Result<{ touch: boolean }, 'session_ended'> {
  if (!session || now >= endOf(session)) return refuse('session_ended');
  // Of a token that was issued to be handed on, only the last one made is good: an extended one replaces the earlier.
  const replaced =
    session.openedBy === 'directory' && presented.jti !== session.lineages[0].current.accessJti;
  if (replaced || isEndedLineage(session, presented)) return refuse('session_ended');
  return ok({ touch: now - session.lastUsedAt >= TOUCH_EVERY_MS });
}

export interface OpeningFacts {
  /** Versions of the copy the object holds; null where it never held one. */
  held: CopyVersions | null;
  offered: Offered;
  /** Every device session there is, the oldest first, also those whose end the alarm has not seen to yet. */
  sessions: readonly DeviceSession[];
  deviceId: string;
  openedBy: OpenedBy;
  proof: Proof;
  ban: Ban | null;
  /** The epoch before the offered record is taken. */
  epoch: number;
  /** The epoch in the authToken that was the proof, where one was. */
  authTokenEpoch: number | null;
}

/** What a sign-in does: `continuing` is the device session that goes on with it, null where a new one opens. */
export interface SignInDecision {
  continuing: string | null;
  ending: Over[];
}

/**
 * Whether a sign-in stands, and which device sessions end for it. A sign-in that read D1 before a change which has
 * reached the object is stale: it may rest on a password or an entry that is no more, and is read again. SDKs renew their
 * tokens by signing in again: that continues the device session they opened on the same device by the same kind of proof.
 * Every other sign-in ends an earlier device session of its device, unless it proves less.
 */
export function open(
  facts: OpeningFacts,
  now: number,
): Result<SignInDecision, 'banned' | 'stale_record' | 'invalid_auth_token'> {
  const { held, sessions, deviceId, offered, openedBy, proof, authTokenEpoch } = facts;
  if (isBanned(facts.ban, now)) return refuse('banned');
  if (held && isOlder(offered, held)) return refuse('stale_record');
  const epoch = facts.epoch + (raisesEpoch(held, offered) ? 1 : 0);
  if (authTokenEpoch !== null && authTokenEpoch < epoch) return refuse('invalid_auth_token');
  const ending: Over[] = overOf(sessions, now);
  const gone = () => new Set(ending.map(({ id }) => id));
  const standing = () => sessions.filter(({ id }) => !gone().has(id));
  ending.push(...endedByCopy(offered, standing()));
  const ofDevice = standing().filter(session => session.deviceId === deviceId);
  const continued = ofDevice.find(
    session => openedBy === 'sdk' && session.openedBy === 'sdk' && session.proof === proof,
  );
  const replaced = ofDevice.filter(session => session !== continued && !provesLess(proof, session.proof));
  ending.push(...replaced.map(({ id }) => ({ id, cause: 'replaced' as const })));
  if (continued) return ok({ continuing: continued.id, ending });
  const leastUsed = standing().sort((one, other) => one.lastUsedAt - other.lastUsedAt);
  const pushedOut = leastUsed.slice(0, Math.max(0, leastUsed.length + 1 - MOST_DEVICE_SESSIONS));
  ending.push(...pushedOut.map(({ id }) => ({ id, cause: 'too_many' as const })));
  return ok({ continuing: null, ending });
}

/** Naming a `userId` proves the least. */
const provesLess = (proof: Proof, than: Proof): boolean => proof === 'userId' && than !== 'userId';

/** How many sign-ins of one device session can be refreshed: a further one pushes out the earliest. */
const MOST_LINEAGES = 10;

/** A device session with one more sign-in. Who is in which live session through it, and its `sid`, stay. */
export function continued(
  session: DeviceSession,
  given: Pick<DeviceSession, 'deviceInfo' | 'ipAddress' | 'accessMs' | 'idleMs'>,
  lineage: Lineage,
  now: number,
): DeviceSession {
  const { ipAddress, accessMs, idleMs } = given;
  // A sign-in that says nothing of its device leaves what is known of it.
  const deviceInfo = Object.keys(given.deviceInfo).length > 0 ? given.deviceInfo : session.deviceInfo;
  const standing = session.lineages.filter(each => now < endOfLineage(each)).slice(1 - MOST_LINEAGES);
  const [first = lineage, ...others] = [...standing, lineage];
  return {
    ...session,
    deviceInfo,
    ipAddress,
    accessMs,
    idleMs,
    lastUsedAt: now,
    lineages: [first, ...others],
  };
}

/** A device session whose other sign-ins have ended, on the word of one of its tokens. */
export function withoutOthers(
  session: DeviceSession,
  presented: PresentedSession,
  now: number,
): DeviceSession {
  const [first, ...others] = session.lineages;
  const newest = others.at(-1) ?? first;
  // A sign-in that was pushed out before cannot be refreshed, but goes on to the end of its access token.
  const pushedOut = {
    ...newest,
    id: presented.lin ?? session.id,
    current: { ...newest.current, accessJti: presented.jti, refreshJti: '' },
    previousJti: null,
  };
  const kept = lineageOf(session, presented, now) ?? pushedOut;
  return { ...session, lineages: [kept], othersEndedAt: now };
}

/** The device sessions that have run out. */
export function overOf(sessions: readonly DeviceSession[], now: number): Over[] {
  return sessions.filter(session => now >= endOf(session)).map(({ id }) => ({ id, cause: 'expired' }));
}

/** A device session with the next pair of tokens of one sign-in: its idle end moves, its absolute one never does. */
export function refreshed(session: DeviceSession, lineage: Lineage, now: number): DeviceSession {
  const idleEndAt = session.idleMs === null ? null : now + session.idleMs;
  const next = { ...lineage, idleEndAt };
  const [first, ...others] = session.lineages;
  const take = (each: Lineage): Lineage => (each.id === next.id ? next : each);
  return { ...session, lineages: [take(first), ...others.map(take)], lastUsedAt: now };
}

/** An issued token may be extended again and again, but to no more than this after it was created. */
const LONGEST_TOKEN_LIFE_MS = 365 * DAY_MS;

/**
 * An issued token with its end put off to `ttlMs` from now, under a new stamp. The earlier text of it is worth nothing
 * from then on. Its user may ask for no longer a life than it was issued with. Only such tokens can be extended.
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
  const [first] = session.lineages;
  const lineage = { ...first, current: stamp, previousJti: null, absoluteEndAt: now + ttlMs };
  return ok({ ...session, lineages: [lineage], accessMs: ttlMs, lastUsedAt: now });
}

/** Whether one more live session may be noted, given those noted already. */
export function noteLiveSession(
  noted: readonly string[],
  liveId: string,
): Result<undefined, 'too_many_live_sessions'> {
  if (noted.includes(liveId) || noted.length < MOST_LIVE_SESSIONS) return ok(undefined);
  return refuse('too_many_live_sessions');
}
