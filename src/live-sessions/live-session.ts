import { DurableObject } from 'cloudflare:workers';
import { equalBytes } from '../crypto/constant-time.ts';
import { fromBase64, uuid } from '../ids.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { UserRecord } from '../users/contract.ts';
import { ATTEMPTS_FORGOTTEN_MS } from './attempts.ts';
import { type Channel, openChannel } from './channel.ts';
import type {
  Created,
  CreateLiveSession,
  Identity,
  LiveSessionView,
  MemberCredential,
  MemberCursor,
  RoomPassword,
} from './contract.ts';
import { presentState } from './present.ts';
import {
  type CloseCode,
  closeCodes,
  type Frame,
  MEMBER_HEADER,
  type RemovalReason,
  SUBPROTOCOL,
} from './protocol.ts';
import {
  type AdmissionRefusal,
  admit,
  type Ending,
  kick,
  nextAlarm,
  open,
  over,
  type Person,
  remove,
  secondsLeft,
  warningDue,
} from './rules.ts';
import { openSockets, type Sockets } from './sockets.ts';
import { type LiveSessionStorage, type Member, openStorage } from './storage.ts';
import { type Live, viewMember, viewSession } from './views.ts';

const PAGE = 100;

/** Who enters, through which device session, and as whom. */
export interface Entrance {
  sid: string;
  record: UserRecord;
  identity: Identity;
}

export interface Admit extends Entrance {
  /** When `DeviceSessions` noted the join, epoch ms. */
  notedAt: number;
  /** The presented password under every master secret; empty where none was presented. */
  passwords: RoomPassword[];
}

export interface Kick {
  /** Public userId. */
  userId: string;
  reason: string | null;
}

type NotThere = 'live_session_not_found';
type NoMember = NotThere | 'membership_ended';

/** The RPC methods, for callers in the Worker and in other objects. */
export type LiveSessionObject = Pick<
  LiveSession,
  | 'create'
  | 'admit'
  | 'current'
  | 'kick'
  | 'disconnect'
  | 'destroy'
  | 'discard'
  | 'endDeviceSession'
  | 'whereabouts'
> & { fetch(request: Request): Promise<Response> };

/**
 * One live session: alone decides who is in, who may come back, and when it ends. Every command checks the
 * deadlines, decides in `rules.ts`, writes in one transaction, then acts on sockets and the alarm.
 */
export class LiveSession extends DurableObject<Env> {
  readonly #sessionId: string;
  readonly #storage: LiveSessionStorage;
  readonly #sockets: Sockets;
  readonly #channel: Channel;
  #exists: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sessionId = ctx.id.toString();
    this.#storage = openStorage(ctx.storage);
    this.#sockets = openSockets(ctx);
    this.#channel = openChannel(this.#sessionId, this.#sockets, () => (this.#exists ? this.#storage : null));
    this.#exists = this.#storage.exists();
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** Makes the session with its creator as host. Called once, with an id nobody else was given. */
  create({ sid, record, request }: Omit<Entrance, 'identity'> & { request: CreateLiveSession }): Created {
    const host = personOf(record);
    const live = open(host, request.rules, Date.now());
    this.ctx.storage.transactionSync(() => {
      this.#storage.createTables();
      this.#storage.putSession(live.session);
      this.#storage.putAllowList(request.allowList);
      this.#storage.putState(live.state);
      this.#enter({ sid, record, identity: request.identity });
    });
    this.#exists = true;
    this.#setAlarm(live);
    return this.#admitted(live, host.subject);
  }

  /**
   * Atomic admission: one decision over one reading of the facts, written in the same turn. Refusals in the
   * order of `rules.ts`.
   */
  admit(input: Admit): Result<Created, NotThere | AdmissionRefusal> {
    const now = Date.now();
    const live = this.#live(now);
    if (!live.ok) return live;
    const { session, state } = live.value;
    const { record, sid } = input;
    const person = personOf(record);
    const alreadyIn = this.#storage.memberOf(person.subject) !== null;
    const { decision, attempts, sessionFailures } = admit(
      {
        session,
        state,
        person,
        alreadyIn,
        barred: this.#storage.isBarred(person.subject, record.wallets),
        signedOut: this.#storage.isSignedOut(sid),
        notedAt: input.notedAt,
        listed: this.#storage.isListed(record.wallets),
        passwordMatches: matches(session.password, input.passwords),
        attempts: this.#storage.attempts(person.subject),
        sessionFailures: this.#storage.sessionFailures(),
      },
      now,
    );
    this.ctx.storage.transactionSync(() => {
      if (attempts.lastAt === now) {
        this.#storage.forgetAttempts(now - ATTEMPTS_FORGOTTEN_MS);
        this.#storage.putAttempts(person.subject, attempts);
      }
      if (sessionFailures.failures > 0) this.#storage.putSessionFailures(sessionFailures);
      if (!decision.ok) return;
      this.#storage.putState(decision.value.state);
      this.#enter(input);
    });
    if (!decision.ok) return decision;
    const entered: Live = { session, state: decision.value.state };
    const created = this.#admitted(entered, person.subject);
    if (state.emptyEndsAt !== null) this.#setAlarm(entered);
    if (!alreadyIn) this.#channel.announce('UserAdded', created.you);
    if (decision.value.hostChanged) this.#tellHost(entered);
    return ok(created);
  }

  /** The session as the caller sees it, `limit` members at a time. */
  current(
    credential: MemberCredential,
    cursor: MemberCursor | null,
    limit: number,
  ): Result<LiveSessionView, NoMember> {
    const inside = this.#inside(credential, Date.now());
    if (!inside.ok) return inside;
    return ok(viewSession(this.#sessionId, this.#storage, inside.value, credential.subject, cursor, limit));
  }

  /**
   * Removes a person, bars them and the wallets they had proven, ends every token and closes every socket of
   * theirs. Holds until the session ends or the host lifts the bar; reaches those who left a moment ago, too.
   */
  kick(
    credential: MemberCredential,
    { userId, reason }: Kick,
  ): Result<undefined, NoMember | 'not_host' | 'cannot_kick_self' | 'member_not_found'> {
    const inside = this.#inside(credential, Date.now());
    if (!inside.ok) return inside;
    const decision = kick(inside.value.state, credential.subject, this.#storage.person(userId));
    if (!decision.ok) return decision;
    const { subject } = decision.value;
    const bar = () => this.#storage.putBar(subject, { by: inside.value.member.id, reason });
    const member = this.#storage.memberOf(subject);
    if (member) this.#remove(inside.value, member, 'kicked', bar);
    else this.ctx.storage.transactionSync(bar);
    return ok(undefined);
  }

  /** The caller leaves, with every device of theirs. */
  disconnect(credential: MemberCredential): Result<undefined, NoMember> {
    const inside = this.#inside(credential, Date.now());
    if (!inside.ok) return inside;
    this.#remove(inside.value, inside.value.member, 'left');
    return ok(undefined);
  }

  /** The host ends the session: `SessionDestroyed` to all, and nothing of it stays. */
  async destroy(credential: MemberCredential): Promise<Result<undefined, NoMember | 'not_host'>> {
    const inside = this.#inside(credential, Date.now());
    if (!inside.ok) return inside;
    if (inside.value.state.host !== credential.subject) return refuse('not_host');
    await this.#finish('deleted');
    return ok(undefined);
  }

  /** Undoes a creation whose host was signed out meanwhile; nobody was told of the session. */
  async discard(): Promise<void> {
    await this.#finish('deleted');
  }

  /**
   * A device session of this subject has ended: its part in a membership ends, and a join through it that is
   * still on its way will be refused. Told again, it changes nothing.
   */
  endDeviceSession(subject: string, sid: string): void {
    const live = this.#live(Date.now());
    if (!live.ok) return;
    this.#storage.putSignedOut(sid);
    const member = this.#storage.memberOf(subject);
    if (!member || !this.#storage.memberBy({ mid: member.mid, sid, subject, expired: false })) return;
    this.#storage.deleteCredential(sid);
    if (this.#storage.hasCredential(member.mid)) {
      const { frame, code } = this.#farewell(subject, 'signed_out');
      this.#channel.dismiss(this.#sockets.ofDevice(sid), frame, code);
    } else {
      this.#remove(live.value, member, 'signed_out');
    }
  }

  /** Whether this subject is in, is not, or can never be again because the session is over. */
  whereabouts(subject: string): 'inside' | 'outside' | 'over' {
    if (!this.#live(Date.now()).ok) return 'over';
    return this.#storage.memberOf(subject) ? 'inside' : 'outside';
  }

  /**
   * The WebSocket upgrade, asked by the Worker for a caller whose token it verified. A dead membership is let
   * in, told why and sent off: a browser cannot see a refused upgrade.
   */
  override fetch(request: Request): Response {
    const now = Date.now();
    const credential: MemberCredential = JSON.parse(request.headers.get(MEMBER_HEADER) ?? 'null');
    const { 0: client, 1: server } = new WebSocketPair();
    const inside = this.#inside(credential, now);
    if (inside.ok) {
      this.#warnIfDue(inside.value, now);
      this.#sockets.accept(server, credential, now);
      this.#welcome(server, inside.value, now);
    } else {
      server.accept();
      const { frame, code } = this.#why(credential.subject, inside.code);
      this.#channel.dismiss([server], frame, code);
    }
    const subprotocol = request.headers.get('sec-websocket-protocol');
    const headers = new Headers(subprotocol ? { 'sec-websocket-protocol': SUBPROTOCOL } : {});
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /** Clients have nothing to say but `ping`, which never arrives here: counted, checked, ignored. */
  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const attachment = this.#sockets.attachmentOf(socket);
    if (!attachment || attachment.closing) return;
    const now = Date.now();
    const earned = this.#sockets.judge(socket, message, now);
    if (earned !== null) {
      this.#sockets.close(
        socket,
        earned,
        earned === closeCodes.flood ? 'too many frames' : 'frame too large',
      );
      return;
    }
    const inside = this.#inside(attachment, now);
    if (inside.ok) return;
    const { frame, code } = this.#why(attachment.subject, inside.code);
    this.#channel.dismiss([socket], frame, code);
  }

  /** Warns, or ends what is over; computes from storage, so that running twice does nothing twice. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const live = this.#live(now);
    if (!live.ok) return;
    this.#warnIfDue(live.value, now);
    this.#setAlarm(live.value);
  }

  /** The session, or `live_session_not_found` where there is none or it is over (and is cleaned up then). */
  #live(now: number): Result<Live, NotThere> {
    const session = this.#exists ? this.#storage.session() : null;
    const state = session && this.#storage.state();
    if (!session || !state) return refuse('live_session_not_found');
    const ending = over(session, state, now);
    if (ending === null) return ok({ session, state });
    this.ctx.waitUntil(this.#finish(ending));
    return refuse('live_session_not_found');
  }

  #inside(credential: MemberCredential, now: number): Result<Live & { member: Member }, NoMember> {
    const live = this.#live(now);
    if (!live.ok) return live;
    const member = credential.expired ? null : this.#storage.memberBy(credential);
    return member ? ok({ ...live.value, member }) : refuse('membership_ended');
  }

  /** A seat for whoever has none, and this device session's part in it. */
  #enter({ sid, record, identity }: Entrance): void {
    const person = personOf(record);
    const mid = this.#storage.memberOf(person.subject)?.mid ?? uuid();
    this.#storage.putPerson(person, record.wallets);
    if (!this.#storage.memberOf(person.subject)) {
      const name = identity.name ?? record.displayName ?? person.id;
      this.#storage.insertMember({ ...person, mid, name, address: identity.chainAddress });
    }
    this.#storage.putCredential(sid, mid);
  }

  #admitted(live: Live, subject: string): Created {
    const member = this.#storage.memberOf(subject);
    if (!member) throw new Error('a member was admitted and is not there');
    const view = viewSession(this.#sessionId, this.#storage, live, subject, null, PAGE);
    return { view, mid: member.mid, you: viewMember(member, live.state) };
  }

  /** Ends a membership, with what `also` writes in the same transaction, and tells everybody. */
  #remove({ session, state }: Live, member: Member, reason: RemovalReason, also = () => {}): void {
    const successor = this.#storage.successorOf(member.subject);
    const removal = remove(state, member.subject, successor, Date.now());
    this.ctx.storage.transactionSync(() => {
      also();
      this.#storage.deleteMember(member.mid);
      this.#storage.putState(removal.state);
    });
    const left: Live = { session, state: removal.state };
    this.#setAlarm(left);
    const { frame, code } = this.#farewell(member.subject, reason);
    this.#channel.dismiss(this.#sockets.ofMember(member.mid), frame, code);
    this.#channel.announce('UserRemoved', { ...viewMember(member, state), reason });
    if (removal.hostChanged) this.#tellHost(left);
  }

  /** Tells everybody, closes every socket and leaves nothing: an ended id cannot come back to life. */
  async #finish(ending: Ending): Promise<void> {
    if (!this.#exists) return;
    const eventType = ending === 'expired' ? 'SessionExpired' : 'SessionDestroyed';
    this.#channel.dismiss(this.#sockets.all(), { eventType, data: {} }, closeCodes.sessionEnded);
    this.#exists = false;
    await this.ctx.storage.deleteAll();
  }

  #welcome(socket: WebSocket, live: Live & { member: Member }, now: number): void {
    const { member, state } = live;
    const view = viewSession(this.#sessionId, this.#storage, live, member.subject, null, PAGE);
    const data = presentState(view, viewMember(member, state), now);
    this.#channel.tell(socket, { eventType: 'SessionState', data });
    if (state.warned) this.#channel.tell(socket, expiring(live, now));
  }

  /** The warning to all; who connects from then on hears it after the state. */
  #warnIfDue(live: Live, now: number): void {
    if (!warningDue(live.session, live.state, now)) return;
    live.state.warned = true;
    this.#storage.putState(live.state);
    this.#channel.broadcast(expiring(live, now));
  }

  #tellHost({ state }: Live): void {
    this.#channel.broadcast({ eventType: 'HostChanged', data: { hostId: state.hostId } });
  }

  /** What a socket hears, and the code it closes with, when the credential behind it is dead. */
  #why(subject: string, refusal: NoMember): { frame: Frame; code: CloseCode } {
    if (refusal === 'live_session_not_found') {
      return { frame: { eventType: 'SessionEnded', data: {} }, code: closeCodes.sessionEnded };
    }
    return this.#farewell(subject, this.#storage.bar(subject) ? 'kicked' : 'left');
  }

  #farewell(subject: string, reason: RemovalReason): { frame: Frame; code: CloseCode } {
    if (reason === 'kicked') {
      return { frame: { eventType: 'Kicked', data: this.#storage.bar(subject) }, code: closeCodes.kicked };
    }
    return { frame: { eventType: 'SignedOut', data: { reason } }, code: closeCodes.credentialEnded };
  }

  #setAlarm({ session, state }: Live): void {
    this.ctx.storage.setAlarm(nextAlarm(session, state));
  }
}

const personOf = ({ uid, userId }: UserRecord): Person => ({ subject: String(uid), id: userId });

function expiring({ session }: Live, now: number): Frame {
  return { eventType: 'SessionExpiring', data: { expiresIn: secondsLeft(session.expiresAt, now) } };
}

function matches(stored: RoomPassword | null, presented: readonly RoomPassword[]): boolean {
  const candidate = presented.find(password => password.version === stored?.version);
  const expected = fromBase64(stored?.mac ?? '');
  const given = fromBase64(candidate?.mac ?? '');
  return candidate !== undefined && expected !== null && given !== null && equalBytes(expected, given);
}
