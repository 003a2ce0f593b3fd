import { DurableObject } from 'cloudflare:workers';
import { timingSafeEqual } from 'node:crypto';
import { fromBase64 } from '../../ids.ts';
import { ok, type Result, refuse } from '../../result.ts';
import type { UserRecord } from '../../users/contract.ts';
import type {
  Created,
  CreateLiveSession,
  FileToStore,
  Kick,
  LiveSessionView,
  MemberCredential,
  MemberCursor,
  Reservation,
  RoomPassword,
  RulesChange,
  SessionFile,
  StoredFile,
} from '../contract.ts';
import { presentState } from '../present.ts';
import { closeCodes, type Frame, MEMBER_HEADER, SUBPROTOCOL } from '../protocol.ts';
import { secondsLeft, visitorOf } from '../rules.ts';
import { type AdmissionRefusal, admit } from './admission-rules.ts';
import { ATTEMPTS_FORGOTTEN_MS } from './attempts.ts';
import { type Channel, openChannel } from './channel.ts';
import { type Files, openFiles } from './files.ts';
import { type Host, type Inside, openHost } from './host.ts';
import { type Ending, open, over, warningDue } from './lifetime-rules.ts';
import { type Entrance, type Membership, openMembership } from './membership.ts';
import { openSockets, type Sockets } from './sockets.ts';
import { type LiveSessionStorage, openStorage } from './storage.ts';
import { openSilence, type Silence } from './timeouts.ts';
import { type Live, PAGE, viewMember, viewSession } from './views.ts';

/** When what an ended session left is cleaned up again, after a crash or where R2 did not answer. */
const CLEANING_RETRY_MS = 30_000;

export interface Admit extends Entrance {
  /** When `DeviceSessions` noted the join, epoch ms. */
  notedAt: number;
  /** The presented password under every master secret; empty where none was presented. */
  passwords: RoomPassword[];
}

type NotThere = 'live_session_not_found';
type NoMember = NotThere | 'membership_ended';

/**
 * One live session: alone decides who is in, who may come back, and when it ends. Every command checks the
 * deadlines, decides in `rules.ts`, writes in one transaction, then acts on sockets and the alarm.
 */
export class LiveSession extends DurableObject<Env> {
  readonly #sessionId: string;
  readonly #storage: LiveSessionStorage;
  readonly #sockets: Sockets;
  readonly #channel: Channel;
  readonly #membership: Membership;
  readonly #files: Files;
  readonly #silence: Silence;
  readonly #host: Host;
  #exists: boolean;
  #finishing: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sessionId = ctx.id.toString();
    this.#storage = openStorage(ctx.storage);
    this.#sockets = openSockets(ctx);
    this.#channel = openChannel(this.#sessionId, this.#sockets, () => (this.#exists ? this.#storage : null));
    const world = {
      sessionId: this.#sessionId,
      ctx,
      storage: this.#storage,
      sockets: this.#sockets,
      channel: this.#channel,
    };
    this.#membership = openMembership(world);
    this.#files = openFiles(world, env.FILES);
    this.#silence = openSilence(world, this.#membership);
    this.#host = openHost(world, this.#membership, this.#silence);
    this.#exists = this.#storage.exists();
    if (this.#exists) this.#silence.recover(Date.now());
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** Makes the session with its creator as host. Called once, with an id nobody else was given. */
  create({ sid, record, request }: { sid: string; record: UserRecord; request: CreateLiveSession }): Created {
    const host = visitorOf(record);
    const live = open(host, request.rules, Date.now());
    this.ctx.storage.transactionSync(() => {
      this.#storage.createTables();
      this.#storage.putSession(live.session);
      this.#storage.putAllowList(request.allowList);
      this.#storage.putState(live.state);
      this.#membership.enter({ sid, visitor: host, identity: request.identity });
    });
    this.#exists = true;
    this.#membership.setAlarm(live);
    return this.#membership.admitted(live, host.subject);
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
    const { visitor, sid, identity } = input;
    const { subject, wallets, guestOf } = visitor;
    const alreadyIn = this.#storage.memberOf(subject) !== null;
    // Guests cost nothing to make: their tries are counted by where they come from.
    const tries = guestOf === null ? subject : `guests of ${guestOf}`;
    const { decision, attempts, sessionFailures } = admit(
      {
        session,
        state,
        person: visitor,
        alreadyIn,
        guestsOfNetwork: guestOf === null ? null : this.#storage.guestsOf(guestOf),
        barred: this.#storage.isBarred(subject, wallets),
        signedOut: this.#storage.isSignedOut(sid),
        notedAt: input.notedAt,
        forgottenUntil: this.#storage.forgottenUntil(subject),
        proven: identity.chainAddress === null || wallets.includes(identity.chainAddress),
        listed: this.#storage.isListed(wallets),
        passwordMatches: matches(session.password, input.passwords),
        attempts: this.#storage.attempts(tries),
        sessionFailures: this.#storage.sessionFailures(),
      },
      now,
    );
    this.ctx.storage.transactionSync(() => {
      if (attempts.lastAt === now) {
        this.#storage.forgetAttempts(now - ATTEMPTS_FORGOTTEN_MS);
        this.#storage.putAttempts(tries, attempts);
      }
      if (sessionFailures.failures > 0) this.#storage.putSessionFailures(sessionFailures);
      if (!decision.ok) return;
      this.#storage.putState(decision.value.state);
      this.#membership.enter(input);
    });
    if (!decision.ok) return decision;
    const entered: Live = { session, state: decision.value.state };
    const created = this.#membership.admitted(entered, subject);
    if (state.emptyEndsAt !== null || session.memberTimeoutMs > 0) this.#membership.setAlarm(entered);
    if (!alreadyIn) this.#channel.announce('UserAdded', created.you);
    if (decision.value.hostChanged) this.#membership.tellHost(entered);
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
    request: Kick,
  ): Result<undefined, NoMember | 'not_host' | 'cannot_kick_self' | 'member_not_found'> {
    const inside = this.#inside(credential, Date.now());
    return inside.ok ? this.#host.kick(inside.value, request) : inside;
  }

  /** The host lets somebody in again; the tokens they had stay dead. */
  liftBar(
    credential: MemberCredential,
    userId: string,
  ): Result<undefined, NoMember | 'not_host' | 'member_not_found'> {
    const inside = this.#inside(credential, Date.now());
    return inside.ok ? this.#host.liftBar(inside.value, userId) : inside;
  }

  /** The host makes another member the host. */
  handOver(
    credential: MemberCredential,
    userId: string,
  ): Result<undefined, NoMember | 'not_host' | 'member_not_found' | 'guest_cannot_host'> {
    const inside = this.#inside(credential, Date.now());
    return inside.ok ? this.#host.handOver(inside.value, userId) : inside;
  }

  /** The host changes the rules while the session runs; the session as it is then. */
  changeRules(
    credential: MemberCredential,
    change: RulesChange,
  ): Result<LiveSessionView, NoMember | 'not_host' | 'capacity_below_members'> {
    const now = Date.now();
    const inside = this.#inside(credential, now);
    return inside.ok ? this.#host.changeRules(inside.value, change, now) : inside;
  }

  /** Keeps a place for a file on its way. */
  reserveFile(
    credential: MemberCredential,
    file: FileToStore,
  ): Result<Reservation, NoMember | 'file_limit_reached' | 'quota_exceeded'> {
    const now = Date.now();
    const inside = this.#inside(credential, now);
    if (!inside.ok) return inside;
    const reserved = this.#files.reserve(inside.value, inside.value.member, file, now);
    if (reserved.ok) this.#membership.setAlarm(inside.value);
    return reserved;
  }

  /** The file has arrived. Membership and place are checked again: what is refused is to be deleted. */
  commitFile(
    credential: MemberCredential,
    fileKey: string,
  ): Result<SessionFile, NoMember | 'reservation_lapsed'> {
    const now = Date.now();
    const inside = this.#inside(credential, now);
    if (inside.ok) return this.#files.commit(inside.value.member, fileKey, now);
    if (this.#exists) this.#files.release(fileKey);
    return inside;
  }

  /** The upload broke: its place is free again, whatever became of the membership. */
  releaseFile(fileKey: string): void {
    if (this.#exists) this.#files.release(fileKey);
  }

  listFiles(credential: MemberCredential): Result<SessionFile[], NoMember> {
    const inside = this.#inside(credential, Date.now());
    return inside.ok ? ok(this.#files.list()) : inside;
  }

  findFile(credential: MemberCredential, fileKey: string): Result<StoredFile, NoMember | 'file_not_found'> {
    const inside = this.#inside(credential, Date.now());
    if (!inside.ok) return inside;
    const file = this.#files.find(fileKey);
    return file ? ok(file) : refuse('file_not_found');
  }

  /** Deletes a file, for its uploader or the host. */
  async deleteFile(
    credential: MemberCredential,
    fileKey: string,
  ): Promise<Result<undefined, NoMember | 'file_not_found' | 'not_your_file'>> {
    const inside = this.#inside(credential, Date.now());
    return inside.ok ? this.#files.remove(inside.value, inside.value.member, fileKey) : inside;
  }

  /** Where everything lies that this session stores or awaits, for the sweeper; nothing once it is over. */
  storedKeys(): string[] {
    return this.#live(Date.now()).ok ? this.#files.keys() : [];
  }

  /** The caller leaves, with every device of theirs. */
  disconnect(credential: MemberCredential): Result<undefined, NoMember> {
    const inside = this.#inside(credential, Date.now());
    if (!inside.ok) return inside;
    this.#membership.remove(inside.value, inside.value.member, 'left');
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
   * A device session of this subject has ended. Its part in a membership ends, and a join through it that has not arrived
   * yet will be refused. Telling it again changes nothing. `erased` is what older callers say for `forgetSubject`.
   */
  endDeviceSession(subject: string, sid: string, erased = false): void {
    const now = Date.now();
    const live = this.#live(now);
    if (!live.ok) return;
    if (sid !== '') this.#storage.putSignedOut(sid, now);
    if (erased) this.forgetSubject(subject);
    const member = this.#storage.memberOf(subject);
    if (!member || !this.#storage.memberBy({ mid: member.mid, sid, subject })) return;
    this.#storage.deleteCredential(sid);
    if (this.#storage.hasCredential(member.mid)) {
      this.#channel.dismiss(this.#sockets.ofDevice(sid), this.#membership.farewell(subject, 'signed_out'));
    } else {
      this.#membership.remove(live.value, member, 'signed_out');
    }
  }

  /** This subject is erased: their membership ends, and only a bar of theirs is known from now on. */
  forgetSubject(subject: string): void {
    const live = this.#live(Date.now());
    if (!live.ok) return;
    const member = this.#storage.memberOf(subject);
    if (member) this.#membership.remove(live.value, member, 'signed_out');
    this.ctx.storage.transactionSync(() => this.#storage.forgetPerson(subject));
  }

  /**
   * The wallets of this subject have changed, or the people who held those wallets before. `wallets`: wallet keys
   * (`0x…`, or `<chainId>:0x…`). `kin`: their `users.id`. `version`: of the record; an older one changes nothing.
   */
  walletsChanged(_subject: string, _change: { version: number; wallets: string[]; kin: number[] }): void {}

  /**
   * Whether this subject is in. Who asks and hears no forgets what it noted of their joins until `askedAt` (by its own
   * clock), so that such a join, still on its way, is refused.
   */
  isInside(subject: string, askedAt: number): boolean {
    if (!this.#live(Date.now()).ok) return false;
    if (this.#storage.memberOf(subject)) return true;
    this.#storage.putForgotten(subject, askedAt);
    return false;
  }

  /**
   * The WebSocket upgrade, asked by the Worker for a caller whose token it verified. A dead membership is let
   * in, told why and sent off: a browser cannot see a refused upgrade. 429 for who holds too many sockets open.
   */
  override fetch(request: Request): Response {
    const now = Date.now();
    const credential: MemberCredential = JSON.parse(request.headers.get(MEMBER_HEADER) ?? 'null');
    const inside = this.#inside(credential, now);
    const { 0: client, 1: server } = new WebSocketPair();
    if (!this.#sockets.accept(server, credential, now)) return new Response(null, { status: 429 });
    if (inside.ok) {
      this.#silence.connected(inside.value, credential.mid, now);
      this.#welcome(server, inside.value, now);
    } else this.#turnAway(server, credential, inside.code);
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
    if (!inside.ok) this.#turnAway(socket, attachment, inside.code);
  }

  /** Answers a client's close, so that it need not wait for it; codes that stand for no frame are never sent. */
  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#sockets.answerClose(socket, code, reason);
    this.#lostSocket(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#lostSocket(socket);
  }

  /** Warns, or ends what is over; computes from storage, so that running twice does nothing twice. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const live = this.#live(now);
    if (!live.ok) return this.#finishing ?? undefined;
    this.#warnIfDue(live.value, now);
    this.#membership.setAlarm(this.#silence.endSilent(live.value, now));
    await this.#files.lapse(now);
  }

  /** The session, or `live_session_not_found` where there is none or it is over (and is cleaned up then). */
  #live(now: number): Result<Live, NotThere> {
    const session = this.#exists ? this.#storage.session() : null;
    const state = session && this.#storage.state();
    if (!session || !state) return refuse('live_session_not_found');
    const ending = this.#storage.ended() ?? over(session, state, now);
    if (ending === null) return ok({ session, state });
    this.ctx.waitUntil(this.#finish(ending));
    return refuse('live_session_not_found');
  }

  /** The session and the membership behind a credential, which counts as heard of by this. */
  #inside(credential: MemberCredential, now: number): Result<Inside, NoMember> {
    const live = this.#live(now);
    if (!live.ok) return live;
    const member = this.#storage.memberBy(credential);
    if (!member) return refuse('membership_ended');
    const heard = this.#silence.hear(live.value, member, now);
    return heard ? ok({ ...live.value, member }) : refuse('membership_ended');
  }

  #lostSocket(socket: WebSocket): void {
    const now = Date.now();
    const live = this.#live(now);
    if (live.ok) this.#silence.disconnected(live.value, socket, now);
  }

  #welcome(socket: WebSocket, live: Inside, now: number): void {
    const { member, state } = live;
    const view = viewSession(this.#sessionId, this.#storage, live, member.subject, null, PAGE);
    const data = presentState(view, viewMember(member, state), now);
    this.#channel.tell(socket, { eventType: 'SessionState', data });
    if (state.warned) this.#channel.tell(socket, expiring(live, now));
    else this.#warnIfDue(live, now);
  }

  #turnAway(socket: WebSocket, { subject, sid }: MemberCredential, code: NoMember): void {
    const over = code === 'live_session_not_found';
    this.#channel.dismiss([socket], this.#membership.why(subject, sid, over));
  }

  /** The warning to all; who connects from then on hears it after the state. */
  #warnIfDue(live: Live, now: number): void {
    if (!warningDue(live.session, live.state, now)) return;
    live.state.warned = true;
    this.#storage.putState(live.state);
    this.#channel.broadcast(expiring(live, now));
  }

  /** Ends the session once, however many ask for it. */
  #finish(ending: Ending): Promise<void> {
    if (!this.#exists) return Promise.resolve();
    this.#finishing ??= this.#end(ending).finally(() => {
      this.#finishing = null;
    });
    return this.#finishing;
  }

  /**
   * Tells everybody, closes every socket and leaves nothing. That it has ended is written first, with an alarm: after
   * a crash halfway there is only cleaning up to do, and an ended id cannot come back to life.
   */
  async #end(ending: Ending): Promise<void> {
    if (this.#storage.ended() === null) {
      this.#storage.putEnded(ending);
      const eventType = ending === 'expired' ? 'SessionExpired' : 'SessionDestroyed';
      const frame: Frame = { eventType, data: {} };
      this.#channel.dismiss(this.#sockets.all(), { frame, code: closeCodes.sessionEnded });
    }
    this.ctx.storage.setAlarm(Date.now() + CLEANING_RETRY_MS);
    if (!(await this.#files.discard(this.#files.keys()))) return;
    this.#exists = false;
    await this.ctx.storage.deleteAll();
  }
}

function expiring({ session }: Live, now: number): Frame {
  return { eventType: 'SessionExpiring', data: { expiresIn: secondsLeft(session.expiresAt, now) } };
}

function matches(stored: RoomPassword | null, presented: readonly RoomPassword[]): boolean {
  const candidate = presented.find(password => password.version === stored?.version);
  const expected = fromBase64(stored?.mac ?? '');
  const given = fromBase64(candidate?.mac ?? '');
  if (!expected || !given || candidate === undefined) return false;
  return expected.length === given.length && timingSafeEqual(expected, given);
}
