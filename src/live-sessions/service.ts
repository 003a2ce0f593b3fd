import { deriveMac, type MasterSecret } from '../crypto/derive.ts';
import type { Claims } from '../crypto/tokens.ts';
import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import { toBase64Url } from '../ids.ts';
import type {
  Created,
  CreateLiveSession,
  CreateRequest,
  Identity,
  LiveSessionView,
  MemberCredential,
  MemberCursor,
  RoomPassword,
} from './contract.ts';
import type { LiveSessionObject } from './live-session.ts';

export interface Admitted {
  created: Created;
  /** The member token. */
  token: string;
}

/** A genuine member token, as its bearer presented it. */
export type PresentedMember = Claims<'member'> & Pick<MemberCredential, 'expired'>;

export interface JoinRequest {
  sessionId: string;
  password: string | null;
  identity: Identity;
}

/** Makes a live session with the caller as its host: two object calls, the second from inside the first. */
export async function createLiveSession(
  deps: Deps,
  { uid, sid, sub }: Claims<'access'>,
  request: CreateRequest,
): Promise<Admitted> {
  const liveId = deps.newLiveSessionId();
  const settings = await toSettings(deps, liveId, request);
  deps.trips.objects += 1;
  const created = unwrap(await deps.deviceSessions(uid).createLiveSession(sid, liveId, settings));
  deps.audit('live_session_created', { uid, sid, liveId });
  return { created, token: await issueMemberToken(deps, created, { uid, sid, sub }) };
}

/** Joins a live session: approved and noted by `DeviceSessions`, then admitted by the live session. */
export async function joinLiveSession(
  deps: Deps,
  { uid, sid, sub }: Claims<'access'>,
  request: JoinRequest,
): Promise<Admitted> {
  const liveId = request.sessionId;
  const live = deps.liveSession(liveId);
  if (!live) throw new AppError('live_session_not_found');
  const passwords = await roomPasswords(deps, liveId, request.password);
  const { record, notedAt } = unwrap(await deps.deviceSessions(uid).noteJoin(sid, liveId));
  const admitted = await live.admit({ sid, record, notedAt, identity: request.identity, passwords });
  if (!admitted.ok) deps.defer(async later => later.deviceSessions(uid).withdrawJoin(sid, liveId, notedAt));
  const created = unwrap(admitted);
  deps.audit('joined', { uid, sid, liveId, mid: created.mid });
  return { created, token: await issueMemberToken(deps, created, { uid, sid, sub }) };
}

export async function readLiveSession(
  deps: Deps,
  member: PresentedMember,
  cursor: MemberCursor | null,
  limit: number,
): Promise<LiveSessionView> {
  return unwrap(await liveSessionOf(deps, member).current(credentialOf(member), cursor, limit));
}

/** Removes and bars a person; refusals as the live session gives them. */
export async function kickMember(
  deps: Deps,
  member: PresentedMember,
  userId: string,
  reason: string | null,
): Promise<void> {
  unwrap(await liveSessionOf(deps, member).kick(credentialOf(member), { userId, reason }));
  deps.audit('kicked', { uid: member.uid ?? null, liveId: member.live, userId });
}

export async function leaveLiveSession(deps: Deps, member: PresentedMember): Promise<void> {
  unwrap(await liveSessionOf(deps, member).disconnect(credentialOf(member)));
}

export async function deleteLiveSession(deps: Deps, member: PresentedMember): Promise<void> {
  unwrap(await liveSessionOf(deps, member).destroy(credentialOf(member)));
  deps.audit('live_session_deleted', { uid: member.uid ?? null, liveId: member.live });
}

/** The live session a member token names. */
export function liveSessionOf(deps: Pick<Deps, 'liveSession'>, { live }: PresentedMember): LiveSessionObject {
  const object = deps.liveSession(live);
  if (!object) throw new AppError('live_session_not_found');
  return object;
}

export function credentialOf({ mid, sid, uid, sub, expired }: PresentedMember): MemberCredential {
  return { mid, sid, subject: uid === undefined ? sub : String(uid), expired };
}

function issueMemberToken(
  deps: Deps,
  { view, mid }: Created,
  { uid, sid, sub }: Pick<Claims<'access'>, 'uid' | 'sid' | 'sub'>,
): Promise<string> {
  const exp = Math.ceil(view.expiresAt / 1000);
  return deps.keyRing.sign('member', { sub, uid, sid, live: view.id, mid, exp }, deps.now());
}

const MINUTE_S = 60;
const STANDARD = { capacity: 50, expirySeconds: 60 * MINUTE_S, maxFiles: 100, maxTotalMegaBytes: 1024 };

async function toSettings(deps: Deps, liveId: string, request: CreateRequest): Promise<CreateLiveSession> {
  const rules = request.rules ?? {};
  const password = rules.password ?? request.password ?? null;
  const allowList = rules.whiteListAddresses ?? request.whiteListAddresses ?? [];
  const [roomPassword = null] = await roomPasswords(deps, liveId, password);
  return {
    identity: toIdentity(request.identity),
    allowList: [...new Set(allowList)],
    rules: {
      capacity: rules.userCapacity ?? STANDARD.capacity,
      expiryMs: (rules.expiryDurationInSeconds ?? STANDARD.expirySeconds) * 1000,
      password: roomPassword,
      allowOnlyListed: rules.allowOnlyWhitelistedAddresses ?? allowList.length > 0,
      allowGuests: rules.allowGuests ?? false,
      memberTimeoutMs: (rules.memberTimeoutSeconds ?? 0) * 1000,
      maxFiles: rules.maxFiles ?? STANDARD.maxFiles,
      maxTotalMegaBytes:
        rules.maxTotalMegaBytes ?? Math.min(STANDARD.maxTotalMegaBytes, deps.config.maxSessionMegabytes),
    },
  };
}

export function toIdentity(
  identity: { name?: string | null | undefined; chainAddress?: string | null | undefined } | null | undefined,
): Identity {
  return { name: identity?.name ?? null, chainAddress: identity?.chainAddress ?? null };
}

/** The keyed hashes of a room password, newest master secret first: what is stored, and what is compared. */
async function roomPasswords(deps: Pick<Deps, 'config'>, liveId: string, password: string | null) {
  if (password === null) return [];
  const hash = async (secret: MasterSecret): Promise<RoomPassword> => {
    const mac = await deriveMac(secret, 'room-password', `${liveId}|${password}`);
    return { version: secret.version, mac: toBase64Url(mac) };
  };
  return Promise.all(deps.config.masterSecrets.map(hash));
}
