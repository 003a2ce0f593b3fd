import { DurableObject } from 'cloudflare:workers';
import { type Actor, BY_SYSTEM, type DeviceSessionEnd } from '../../events/types.ts';
import type { CreateLiveSession } from '../../live-sessions/contract.ts';
import { type Alarm, openAlarm } from '../../platform/alarm.ts';
import { type LiveSessionObject, openObjects } from '../../platform/objects.ts';
import { makeOutbox } from '../../platform/outbox.ts';
import { noTrips } from '../../platform/trips.ts';
import { ok, type Result, refuse } from '../../result.ts';
import type { Ban, StoredBan, UserRecord } from '../../users/contract.ts';
import type {
  DeviceInfo,
  DeviceSession,
  Ended,
  EndedSome,
  Notice,
  OpenDeviceSession,
  Overview,
  PresentedSession,
  Standing,
  Which,
} from '../contract.ts';
import { endedByCopy, isOlder } from '../copy-rules.ts';
import { deadlinesOf } from '../deadline-rules.ts';
import { authenticate, endOf } from '../rules.ts';
import { type Copies, makeCopies } from './copies.ts';
import { type DeviceSessionsOutbox, type Endings, makeEndings } from './endings.ts';
import { type Joins, makeJoins } from './joins.ts';
import { makeNotes, type Notes } from './notes.ts';
import { makeSignIns, type SignIns } from './sign-ins.ts';
import { type DeviceSessionsStorage, openStorage } from './storage.ts';

/**
 * One user's device sessions, named by `users.id`: sole authority on who is signed in where, on the ban, and on
 * which live sessions were joined through which device session.
 */
export class DeviceSessions extends DurableObject<Env> {
  readonly #storage: DeviceSessionsStorage;
  readonly #notes: Notes;
  readonly #outbox: DeviceSessionsOutbox;
  readonly #endings: Endings;
  readonly #copies: Copies;
  readonly #signIns: SignIns;
  readonly #joins: Joins;
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openStorage(ctx.storage);
    this.#alarm = openAlarm(ctx.storage);
    this.#notes = makeNotes(ctx.storage.sql, this.#storage.exists);
    this.#outbox = makeOutbox({
      sql: ctx.storage.sql,
      send: ({ id }, notice) => this.#tell(id, notice),
      setAlarm: () => this.#setAlarm(),
    });
    const standing = (presented: PresentedSession) => this.standing(presented);
    const change = (work: () => void) => this.#change(work);
    const parts = { storage: this.#storage, standing, change };
    this.#endings = makeEndings({ ...parts, notes: this.#notes, outbox: this.#outbox });
    const told = { storage: this.#storage, notes: this.#notes, outbox: this.#outbox };
    this.#copies = makeCopies({ ...told, endings: this.#endings });
    this.#signIns = makeSignIns({ ...parts, endings: this.#endings, copies: this.#copies });
    const liveSession = (liveId: string) => this.#liveSession(liveId);
    this.#joins = makeJoins({ notes: this.#notes, standing, liveSession });
  }

  /**
   * Opens a device session and takes the copy of the record. Ends an earlier session of the same device, and the
   * oldest beyond the cap. The live sessions hear of it at once, and again by the alarm. Refuses `banned`,
   * `stale_record` where the caller's read of D1 is older than what is known here, and `invalid_auth_token` where all
   * device sessions were ended since the authToken was issued.
   */
  open(input: OpenDeviceSession) {
    return this.#signIns.open(input);
  }

  /** What an authToken has to carry: every end of all device sessions raises it. */
  epoch(): number {
    return this.#storage.epoch();
  }

  /** The presented device session, if it stands: asked by every authenticated request, so nothing caches it. */
  standing(presented: PresentedSession): Result<Standing, 'session_ended'> {
    const now = Date.now();
    const session = this.#storage.session(presented.sid);
    const decision = authenticate(session, presented, now);
    const record = this.#storage.record();
    if (!decision.ok || !session || !record) return refuse('session_ended');
    if (!decision.value.touch) return ok({ session, record, touched: false });
    const used = { ...session, lastUsedAt: now };
    this.#storage.updateSession(used);
    return ok({ session: used, record, touched: true });
  }

  /**
   * Takes a refresh token of this device session: its pair from now on, or the pair in force again where the
   * immediate parent comes within the grace. Anything else is a theft: the device session ends with every token.
   */
  refresh(presented: PresentedSession, kid: string) {
    return this.#signIns.refresh(presented, kid);
  }

  /** Every device session that stands, to the bearer of one of them. */
  list(presented: PresentedSession): Result<Overview, 'session_ended'> {
    const standing = this.standing(presented);
    return standing.ok ? ok({ ...standing.value, sessions: this.listAll() }) : standing;
  }

  /** Every device session that stands, the oldest first, on the word of a secret key. */
  listAll(): DeviceSession[] {
    const now = Date.now();
    return this.#storage.sessions().filter(session => now < endOf(session));
  }

  /** Puts off the end of an issued token, and replaces its text. `presented`: the token that asks, where one does. */
  extend(target: string, ttlMs: number, kid: string, presented?: PresentedSession) {
    return this.#signIns.extend(target, ttlMs, kid, presented);
  }

  /** Notes what a device now says of itself. Members that are not given stay. */
  describeDevice(presented: PresentedSession, described: DeviceInfo): Result<Standing, 'session_ended'> {
    const standing = this.standing(presented);
    if (!standing.ok) return standing;
    const { session } = standing.value;
    const next = { ...session, deviceInfo: { ...session.deviceInfo, ...described } };
    this.#storage.updateSession(next);
    return ok({ ...standing.value, session: next });
  }

  /**
   * Ends device sessions, and names those that were not there to end. Where one of them asks for the end of others, it
   * must stand: `session_ended`.
   */
  end(which: Which, cause: DeviceSessionEnd, by: Actor): Promise<Result<EndedSome, 'session_ended'>> {
    return this.#endings.end(which, cause, by);
  }

  /** Takes a newer copy of the record, and ends what it makes worthless; an older copy changes nothing. */
  async takeCopy(record: UserRecord): Promise<Ended> {
    const held = this.#storage.record();
    if (!this.#isErased() && !(held && isOlder(record, held))) {
      const ending = endedByCopy(record, this.#storage.sessions());
      this.#change(() => this.#copies.put(record, ending, BY_SYSTEM, Date.now()));
    }
    return { everywhere: await this.#endings.deliver() };
  }

  /**
   * Ends every device session of a user who is being erased, and admits none from now on. `ban`: what refuses the user,
   * to be remembered elsewhere before `forget`.
   */
  async erase(): Promise<Ended & { ban: Ban | null }> {
    const ended = await this.#endings.erase(BY_SYSTEM);
    return { ...ended, ban: this.#storage.ban() };
  }

  /**
   * Forgets everything about an erased user of whom every live session has heard. That they were erased is remembered for
   * a few minutes more.
   */
  forget(): void {
    if (this.#isErased()) this.#change(() => this.#storage.clear());
  }

  /** Ends every device session, and refuses new ones until lifted or `until`. */
  async ban(ban: Ban, by: Actor = BY_SYSTEM): Promise<Result<Ended, 'user_not_found'>> {
    if (this.#isErased()) return refuse('user_not_found');
    this.#change(() => {
      const keyId = by.kind === 'key' ? by.keyId : null;
      this.#storage.putBan({ ...ban, since: Date.now(), keyId });
      this.#storage.raiseEpoch();
      this.#endings.put(this.#endings.all('banned'), by, Date.now());
    });
    return ok({ everywhere: await this.#endings.deliver() });
  }

  /** Lets the user in again. */
  liftBan(): void {
    this.#storage.deleteBan();
  }

  /** The ban in force or to come, which D1's flag only shows. */
  currentBan(): StoredBan | null {
    return this.#storage.ban();
  }

  /**
   * Makes a live session hosted by this user: the live session first, then its note here, or it is destroyed
   * again. So an end of the device session meanwhile finds either the note, or no live session at all.
   */
  createLiveSession(presented: PresentedSession, liveId: string, request: CreateLiveSession) {
    return this.#joins.create(presented, liveId, request);
  }

  /** Approves a join and notes it, before the live session admits: an end from now on reaches it there. */
  noteJoin(presented: PresentedSession, liveId: string) {
    return this.#joins.note(presented, liveId);
  }

  /** Takes back the note, made at `notedAt`, of a join that was refused. */
  withdrawJoin(sid: string, liveId: string, notedAt: number): void {
    this.#notes.withdraw(liveId, sid, notedAt);
  }

  /** Ends what is over and tells the live sessions that have not heard yet. Safe to run any number of times. */
  override async alarm(): Promise<void> {
    this.#alarm.fired();
    if (!this.#storage.exists()) return;
    await this.#endings.finish();
    if (this.#storage.exists()) this.#setAlarm();
  }

  #isErased(): boolean {
    return this.#storage.erasedAt() !== null;
  }

  /** One transaction, and the alarm that follows from it. */
  #change(change: () => void): void {
    this.#storage.change(change);
    this.#setAlarm();
  }

  #setAlarm(): void {
    const storage = this.#storage;
    this.#alarm.set(deadlinesOf(storage.sessions(), this.#outbox.nextAt(), storage.erasedAt()));
  }

  async #tell(liveId: string, notice: Notice): Promise<void> {
    const subject = String(this.#storage.record()?.uid);
    const live = this.#liveSession(liveId);
    switch (notice.kind) {
      case 'signed_out':
        return live.endDeviceSession(subject, notice.sid);
      case 'erased':
        return live.forgetSubject(subject);
      case 'wallets':
        return live.walletsChanged(subject, notice);
    }
  }

  #liveSession(liveId: string): LiveSessionObject {
    const object = openObjects(this.env, noTrips()).liveSession(liveId);
    if (!object) throw new Error('a note about something that is not a live session');
    return object;
  }
}
