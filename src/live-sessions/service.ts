import type { Joiner } from '../access/caller.ts';
import { verifySession } from '../access/session-service.ts';
import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import { readIdentifierSession } from '../identifier-sessions/service.ts';
import type { LiveSessionObject } from '../platform/objects.ts';
import { nfc } from '../text.ts';
import type { Claims } from '../tokens/claims.ts';
import type {
  Bar,
  BarCursor,
  ChangeRequest,
  Created,
  CreateRequest,
  Identity,
  Kick,
  LiveSessionView,
  MemberCredential,
  MemberCursor,
  RoomPassword,
} from './contract.ts';
import { guestOf, visitorOf } from './rules.ts';
import { networkHash, roomPasswords, toChange, toSettings } from './settings-service.ts';

export interface Admitted {
  created: Created;
  /** The member token. */
  token: string;
}

/**
 * What a genuine member token says. Such a token ends with its session, and when that is only the live session knows: its
 * `exp` is what was known when it was made, and a host may have put the end off since.
 */
export type PresentedMember = Claims<'member'>;

export interface JoinRequest {
  sessionId: string;
  password: string | null;
  identity: Identity;
  /** Where the request comes from, as `networkOf` has it. It is stored as a keyed hash only. */
  network: string;
}

/** How a join presents itself besides who comes: the room password under every master secret, the network's keyed hash. */
interface Asked {
  passwords: RoomPassword[];
  network: string;
}

/** Makes a live session with the caller as its host: two object calls, the second from inside the first. */
export async function createLiveSession(
  deps: Deps,
  claims: Claims<'access'>,
  request: CreateRequest,
): Promise<Admitted> {
  const { uid, sid, sub } = claims;
  const liveId = deps.newLiveSessionId();
  const settings = await toSettings(deps, liveId, request);
  deps.trips.objects += 1;
  const created = unwrap(await deps.deviceSessions(uid).createLiveSession(claims, liveId, settings));
  deps.audit('live_session_created', { uid, sid, liveId });
  return { created, token: await issueMemberToken(deps, created, { uid, sid, sub }) };
}

/** Joins a live session: two object calls, one that vouches for who comes, one that admits. */
export async function joinLiveSession(deps: Deps, joiner: Joiner, request: JoinRequest): Promise<Admitted> {
  const live = deps.liveSession(request.sessionId);
  if (!live) {
    // A dead credential hears that it is dead, whatever it asks for.
    if (joiner.kind === 'user') await verifySession(deps, joiner.claims);
    else await readIdentifierSession(deps, joiner.claims);
    throw new AppError('live_session_not_found');
  }
  const passwords = await roomPasswords(deps, request.sessionId, request.password);
  const network = networkHash(deps, request.network);
  return joiner.kind === 'user'
    ? joinAsUser(deps, joiner.claims, request, live, { passwords, network })
    : joinAsGuest(deps, joiner.claims, request, live, { passwords, network });
}

/** Approved and noted by `DeviceSessions`, then admitted by the live session. */
async function joinAsUser(
  deps: Deps,
  claims: Claims<'access'>,
  { sessionId, identity }: JoinRequest,
  live: LiveSessionObject,
  asked: Asked,
): Promise<Admitted> {
  const { uid, sid, sub } = claims;
  const { record, notedAt } = unwrap(await deps.deviceSessions(uid).noteJoin(claims, sessionId));
  const admitted = await live.admit({ ...asked, sid, visitor: visitorOf(record), notedAt, identity });
  if (!admitted.ok) {
    deps.defer(async later => later.deviceSessions(uid).withdrawJoin(sid, sessionId, notedAt));
  }
  const created = unwrap(admitted);
  deps.audit('joined', { liveId: sessionId, mid: created.mid });
  return { created, token: await issueMemberToken(deps, created, { uid, sid, sub }) };
}

/** A guest has no `DeviceSessions`: only whether the device token was ended is asked. */
async function joinAsGuest(
  deps: Deps,
  claims: Claims<'device'>,
  { sessionId, identity }: JoinRequest,
  live: LiveSessionObject,
  asked: Asked,
): Promise<Admitted> {
  await readIdentifierSession(deps, claims);
  const { sid, sub, by = [] } = claims;
  const visitor = guestOf(sub, asked.network, by);
  const created = unwrap(await live.admit({ ...asked, sid, visitor, notedAt: deps.now(), identity }));
  deps.audit('joined', { liveId: sessionId, mid: created.mid });
  return { created, token: await issueMemberToken(deps, created, { sid, sub }) };
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
export async function kickMember(deps: Deps, member: PresentedMember, kick: Kick): Promise<void> {
  unwrap(await liveSessionOf(deps, member).kick(credentialOf(member), kick));
  deps.audit('kicked', { liveId: member.live, target: kick.userId });
}

/** Lets a kicked person in again. */
export async function liftBar(deps: Deps, member: PresentedMember, userId: string): Promise<void> {
  unwrap(await liveSessionOf(deps, member).liftBar(credentialOf(member), nfc(userId)));
  deps.audit('bar_lifted', { liveId: member.live, target: userId });
}

/** The bars in force, for the host. */
export async function listBars(
  deps: Deps,
  member: PresentedMember,
  cursor: BarCursor | null,
  limit: number,
): Promise<{ bars: Bar[]; next: BarCursor | null }> {
  return unwrap(await liveSessionOf(deps, member).bars(credentialOf(member), cursor, limit));
}

/** Lifts a bar by its own id. */
export async function liftBarById(deps: Deps, member: PresentedMember, id: string): Promise<void> {
  unwrap(await liveSessionOf(deps, member).liftBarById(credentialOf(member), id));
  deps.audit('bar_lifted', { liveId: member.live, target: id });
}

/** The allow-list, for the host. */
export async function readAllowList(
  deps: Deps,
  member: PresentedMember,
  after: string | null,
  limit: number,
): Promise<{ addresses: string[]; next: string | null }> {
  return unwrap(await liveSessionOf(deps, member).allowList(credentialOf(member), after, limit));
}

/** Makes another member the host. */
export async function handOverHost(deps: Deps, member: PresentedMember, userId: string): Promise<void> {
  unwrap(await liveSessionOf(deps, member).handOver(credentialOf(member), userId));
  deps.audit('host_handed_over', { liveId: member.live, target: userId });
}

/** Changes the rules of a running session. */
export async function changeLiveSession(
  deps: Deps,
  member: PresentedMember,
  { rules }: ChangeRequest,
): Promise<LiveSessionView> {
  const change = await toChange(deps, member.live, rules);
  const view = unwrap(await liveSessionOf(deps, member).changeRules(credentialOf(member), change));
  deps.audit('rules_changed', { liveId: member.live });
  return view;
}

export async function leaveLiveSession(deps: Deps, member: PresentedMember): Promise<void> {
  unwrap(await liveSessionOf(deps, member).disconnect(credentialOf(member)));
}

export async function deleteLiveSession(deps: Deps, member: PresentedMember): Promise<void> {
  unwrap(await liveSessionOf(deps, member).destroy(credentialOf(member)));
  deps.audit('live_session_deleted', { liveId: member.live });
}

/** The live session a member token names. */
export function liveSessionOf(deps: Pick<Deps, 'liveSession'>, { live }: PresentedMember): LiveSessionObject {
  const object = deps.liveSession(live);
  if (!object) throw new AppError('live_session_not_found');
  return object;
}

export function credentialOf({ mid, sid, uid, sub }: PresentedMember): MemberCredential {
  return { mid, sid, subject: uid === undefined ? sub : String(uid) };
}

function issueMemberToken(
  deps: Deps,
  { view, mid }: Created,
  bearer: { uid?: number; sid: string; sub: string },
): Promise<string> {
  const exp = Math.ceil(view.expiresAt / 1000);
  return deps.keyRing.sign('member', { ...bearer, live: view.id, mid, exp }, deps.now());
}
