import { DurableObject } from 'cloudflare:workers';
import { BY_SYSTEM } from '../../events/types.ts';
import { ok, type Refusal, type Result, refuse } from '../../result.ts';
import type {
  BarCursor,
  Created,
  FileToStore,
  Kick,
  MemberCredential,
  MemberCursor,
  RulesChange,
} from '../contract.ts';
import { PING, PONG } from '../protocol.ts';
import type { Admit, Creation } from './admission.ts';
import type { AdmissionRefusal } from './admission-rules.ts';
import { actorOf } from './membership.ts';
import type { RatedCall } from './rates.ts';
import { openRoom, type Room } from './room.ts';
import { type Inside, type NotInside, viewSession } from './views.ts';

/**
 * One live session: alone decides who is in, who may come back, and when it ends. Every command checks the deadlines,
 * decides by pure rules, writes in one transaction, then acts on sockets and the alarm.
 */
export class LiveSession extends DurableObject<Env> {
  readonly #room: Room;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#room = openRoom(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** Makes the session with its creator as host. To be called once, with an id that was given to no other session. */
  create(input: Creation): Created {
    return this.#room.admission.create(input, Date.now());
  }

  /** Atomic admission: a seat, or a refusal in the order of `admission-rules.ts`. */
  admit(input: Admit): Result<Created, 'live_session_not_found' | AdmissionRefusal> {
    const now = Date.now();
    const live = this.#room.live(now, input.visitor.subject);
    return live.ok ? this.#room.admission.admit(live.value, input, now) : live;
  }

  /** The session as the caller sees it, `limit` members at a time. */
  current(credential: MemberCredential, cursor: MemberCursor | null, limit: number) {
    const page = { caller: credential.subject, cursor, limit };
    return this.#as(credential, inside => ok(viewSession(this.#room.parts, inside, page)));
  }

  /**
   * Removes a person, bars them and the wallets they had proven, ends every token and closes every socket of
   * theirs. Holds until the session ends or the host lifts the bar; reaches those who left a moment ago, too.
   */
  kick(credential: MemberCredential, request: Kick) {
    return this.#as(credential, inside => this.#room.host.kick(inside, request));
  }

  /** The host lets somebody in again; the tokens they had stay dead. */
  liftBar(credential: MemberCredential, userId: string) {
    return this.#rated('bars', credential, inside => this.#room.host.liftBar(inside, userId));
  }

  /** The bars in force, for the host, `limit` at a time. */
  bars(credential: MemberCredential, cursor: BarCursor | null, limit: number) {
    return this.#rated('bars', credential, inside => this.#room.host.bars(inside, cursor, limit));
  }

  /** The host lifts a bar by its own id: also of somebody who is erased. */
  liftBarById(credential: MemberCredential, id: string) {
    return this.#rated('bars', credential, inside => this.#room.host.liftBarById(inside, id));
  }

  /** The host makes another member the host. */
  handOver(credential: MemberCredential, userId: string) {
    return this.#rated('rules', credential, inside => this.#room.host.handOver(inside, userId));
  }

  /** The host changes the rules while the session runs; the session as it is then. */
  changeRules(credential: MemberCredential, change: RulesChange) {
    return this.#rated('rules', credential, (inside, now) =>
      this.#room.host.changeRules(inside, change, now),
    );
  }

  /** Addresses on the allow-list after this one, for the host, `limit` at a time. */
  allowList(credential: MemberCredential, after: string | null, limit: number) {
    return this.#rated('rules', credential, inside => this.#room.host.allowList(inside, after, limit));
  }

  /** Keeps a place for an upload. */
  reserveFile(credential: MemberCredential, file: FileToStore) {
    return this.#rated('files', credential, (inside, now) => {
      const reserved = this.#room.files.reserve(inside, file, now);
      if (reserved.ok) this.#room.membership.setAlarm(inside);
      return reserved;
    });
  }

  /** The file has arrived. Membership and place are checked again; the caller deletes the bytes of a refused file. */
  commitFile(credential: MemberCredential, fileKey: string) {
    const committed = this.#as(credential, (inside, now) => this.#room.files.commit(inside, fileKey, now));
    if (!committed.ok && committed.code !== 'reservation_lapsed') this.releaseFile(fileKey);
    return committed;
  }

  /** The upload broke: its place is free again, even where the membership has ended. */
  releaseFile(fileKey: string): void {
    if (this.#room.parts.storage.exists()) this.#room.files.release(fileKey);
  }

  listFiles(credential: MemberCredential) {
    return this.#rated('files', credential, () => ok(this.#room.files.list()));
  }

  findFile(credential: MemberCredential, fileKey: string) {
    return this.#as(credential, () => this.#room.files.find(fileKey));
  }

  /** Deletes a file, for its uploader or the host. */
  async deleteFile(credential: MemberCredential, fileKey: string) {
    return this.#rated('files', credential, inside => this.#room.files.remove(inside, fileKey));
  }

  /** Where everything lies that this session stores or awaits, for the sweeper; nothing once it is over. */
  storedKeys(): string[] {
    return this.#room.ending.live(Date.now()).ok ? this.#room.files.keys() : [];
  }

  /** The caller leaves, with every device of theirs. A host who was away does not take the role back for that. */
  disconnect(credential: MemberCredential): Result<undefined, NotInside> {
    const inside = this.#room.inside(credential, Date.now());
    if (!inside.ok) return inside;
    this.#room.membership.remove(inside.value, inside.value.member, 'left', actorOf(inside.value.member));
    return ok(undefined);
  }

  /** The host ends the session: `SessionDestroyed` to all, and nothing of it stays. */
  async destroy(credential: MemberCredential) {
    return this.#as<Promise<Result<undefined, 'not_host'>>>(credential, async ({ state, member }) => {
      if (state.host !== member.subject) return refuse('not_host');
      await this.#room.ending.end('deleted', actorOf(member));
      return ok(undefined);
    });
  }

  /** Undoes a creation whose host was signed out meanwhile: no member was told of the session. */
  async discard(): Promise<void> {
    await this.#room.ending.end('deleted', BY_SYSTEM);
  }

  /**
   * A device session of this subject has ended. Its part in a membership ends, and a join through it that has not arrived
   * yet will be refused. `erased` is what older callers say for `forgetSubject`.
   */
  endDeviceSession(subject: string, sid: string, erased = false): void {
    const now = Date.now();
    const live = this.#room.live(now);
    if (!live.ok) return;
    if (sid !== '') this.#room.subjects.endDeviceSession(live.value, subject, sid, now);
    if (erased) this.forgetSubject(subject);
  }

  /** This subject is erased: their membership ends, and only a bar of theirs is known from now on. */
  forgetSubject(subject: string): void {
    const live = this.#room.live(Date.now());
    if (live.ok) this.#room.subjects.forget(live.value, subject);
  }

  /**
   * The wallets of this subject have changed, or the people who held those wallets before. `wallets`: wallet keys
   * (`0x…`, or `<chainId>:0x…`). `kin`: their `users.id`, which are asked for at admission. `version`: of the record; one
   * that is known already changes nothing. A member whom the allow-list lets in no more leaves (`wallet_removed`).
   */
  walletsChanged(subject: string, change: { version: number; wallets: string[]; kin: number[] }): void {
    const live = this.#room.live(Date.now());
    if (live.ok) this.#room.subjects.walletsChanged(live.value, subject, change);
  }

  /**
   * Whether this subject is in. A caller who hears no deletes its notes of their joins until `askedAt` (by the caller's
   * clock): a join among those which has not arrived yet is refused from now on.
   */
  isInside(subject: string, askedAt: number): boolean {
    return this.#room.live(Date.now()).ok && this.#room.subjects.isInside(subject, askedAt);
  }

  /**
   * The WebSocket upgrade, asked by the Worker for a caller whose token it verified. A dead membership is let in, told why
   * and closed: a browser cannot see a refused upgrade. 429 for a person who holds too many sockets open.
   */
  override fetch(request: Request): Response {
    return this.#room.connections.open(request, Date.now());
  }

  /** `ping` never arrives here; other frames are counted, checked and ignored. */
  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#room.connections.hear(socket, message, Date.now());
  }

  /** Answers a client's close, so that it need not wait for it. */
  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#room.parts.sockets.answerClose(socket, code, reason);
    this.#lostSocket(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#lostSocket(socket);
  }

  /** Warns, or ends a session that is over. It decides by storage, so running twice changes nothing. */
  override async alarm(): Promise<void> {
    this.#room.parts.alarm.fired();
    const now = Date.now();
    const live = this.#room.live(now);
    if (!live.ok) return this.#room.ending.underWay() ?? undefined;
    this.#room.membership.setAlarm(this.#room.connections.warnIfDue(live.value, now));
    await this.#room.files.lapse(now);
  }

  #lostSocket(socket: WebSocket): void {
    const now = Date.now();
    const live = this.#room.live(now);
    if (live.ok) this.#room.timeouts.disconnected(live.value, socket, now);
  }

  /** As `#as`, where the member has not made too many calls of this kind. */
  #rated<Answer>(
    kind: RatedCall,
    credential: MemberCredential,
    act: (inside: Inside, now: number) => Answer,
  ) {
    return this.#as(credential, (inside, now) => {
      const charged = this.#room.rates.charge(kind, inside.member.subject, now);
      return charged.ok ? act(inside, now) : charged;
    });
  }

  /** Acts for the member behind a credential, or refuses. */
  #as<Answer>(
    credential: MemberCredential,
    act: (inside: Inside, now: number) => Answer,
  ): Answer | Refusal<NotInside> {
    const now = Date.now();
    const inside = this.#room.acting(credential, now);
    return inside.ok ? act(inside.value, now) : inside;
  }
}
