import { DurableObject } from 'cloudflare:workers';
import { uuid } from '../../ids.ts';
import type { CreateLiveSession } from '../../live-sessions/contract.ts';
import { type LiveSessionObject, openObjects } from '../../platform/objects.ts';
import { noTrips } from '../../platform/trips.ts';
import { ok, type Result, refuse } from '../../result.ts';
import type { Ban, UserRecord } from '../../users/contract.ts';
import type {
  DeviceInfo,
  DeviceSession,
  Ended,
  OpenDeviceSession,
  Overview,
  PresentedSession,
  Standing,
} from '../contract.ts';
import { rotate, type TokenStamp } from '../rotation.ts';
import {
  authenticate,
  endedByCopy,
  endOf,
  extended,
  isOlder,
  mayForget,
  nextAlarm,
  open,
  refreshed,
} from '../rules.ts';
import { openJoins } from './joins.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { type DeviceSessionsStorage, openStorage } from './storage.ts';

/**
 * One user's device sessions, named by `users.id`: sole authority on who is signed in where, on the ban, and on
 * which live sessions were joined through which device session.
 */
export class DeviceSessions extends DurableObject<Env> {
  readonly #storage: DeviceSessionsStorage;
  readonly #outbox: Outbox;
  readonly #joins: ReturnType<typeof openJoins>;
  #exists: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openStorage(ctx.storage);
    this.#exists = this.#storage.exists();
    this.#outbox = openOutbox({
      storage: this.#storage,
      transaction: change => ctx.storage.transactionSync(change),
      liveSession: liveId => this.#liveSession(liveId),
      setAlarm: () => this.#setAlarm(),
    });
    this.#joins = openJoins({
      storage: this.#storage,
      standing: presented => this.standing(presented),
      liveSession: liveId => this.#liveSession(liveId),
    });
  }

  /**
   * Opens a device session and takes the copy of the record. Ends an earlier session of the same device, and the
   * oldest beyond the cap, which the live sessions are told of, and told again by the alarm. Refuses `banned`, and
   * `stale_record` where the caller's read of D1 is older than what is known here.
   */
  async open(input: OpenDeviceSession): Promise<Result<Standing, 'banned' | 'stale_record'>> {
    const now = Date.now();
    // Whoever read the user before they were erased reads again, and finds nobody.
    if (this.#isErased()) return refuse('stale_record');
    const { record, absoluteMs, kid, ...given } = input;
    const decision = open(
      {
        held: this.#exists ? this.#storage.record() : null,
        ban: this.#exists ? this.#storage.ban() : null,
        offered: record,
        sessions: this.#sessions(),
        deviceId: input.deviceId,
      },
      now,
    );
    if (!decision.ok) return decision;
    const session: DeviceSession = {
      ...given,
      id: uuid(),
      createdAt: now,
      lastUsedAt: now,
      credentialVersion: record.credentialVersion,
      absoluteEndAt: now + absoluteMs,
      idleEndAt: given.idleMs === null ? null : now + given.idleMs,
      lineage: { current: newStamp(kid, now), previousJti: null },
    };
    const { ending } = decision.value;
    this.#change(() => {
      this.#storage.putRecord(record);
      for (const id of ending) this.#storage.endSession(id, now);
      this.#storage.insertSession(session);
    });
    if (ending.length > 0) await this.#outbox.deliver();
    return ok({ session, record, touched: true });
  }

  /** The presented device session, if it stands: asked by every authenticated request, so nothing caches it. */
  standing(presented: PresentedSession): Result<Standing, 'session_ended'> {
    const now = Date.now();
    const session = this.#exists ? this.#storage.session(presented.sid) : null;
    const decision = authenticate(session, presented, now);
    const record = this.#exists ? this.#storage.record() : null;
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
  async refresh(
    sid: string,
    refreshJti: string,
    kid: string,
  ): Promise<Result<Standing, 'session_ended' | 'refresh_reused'>> {
    const standing = this.standing({ sid, jti: refreshJti });
    if (!standing.ok) return standing;
    const { session } = standing.value;
    const now = Date.now();
    const rotation = rotate(session.lineage, refreshJti, newStamp(kid, now), now);
    if (rotation.kind === 'repeat') return standing;
    if (rotation.kind === 'reused') {
      await this.#outbox.end([sid]);
      return refuse('refresh_reused');
    }
    const next = refreshed(session, rotation.lineage, now);
    this.#change(() => this.#storage.updateSession(next));
    return ok({ ...standing.value, session: next });
  }

  /** Every device session that stands, to the bearer of one of them. */
  list(presented: PresentedSession): Result<Overview, 'session_ended'> {
    const standing = this.standing(presented);
    if (!standing.ok) return standing;
    const now = Date.now();
    return ok({ ...standing.value, sessions: this.#sessions().filter(session => now < endOf(session)) });
  }

  /** Every device session that stands, the oldest first, on the word of a secret key. */
  listAll(): DeviceSession[] {
    const now = Date.now();
    return this.#sessions().filter(session => now < endOf(session));
  }

  /** Puts off the end of an issued token, and replaces its text; `presented`: on its own word, not on another's. */
  extend(
    target: string,
    ttlMs: number,
    kid: string,
    presented?: PresentedSession,
  ): Result<
    Standing,
    'session_ended' | 'token_not_found' | 'token_not_extendable' | 'token_life_exceeded' | 'missing_privilege'
  > {
    const standing = presented === undefined ? ok(undefined) : this.standing(presented);
    if (!standing.ok) return standing;
    const session = this.#stands(target) ? this.#storage.session(target) : null;
    const record = this.#exists ? this.#storage.record() : null;
    if (!session || !record) return refuse('token_not_found');
    // Whoever got hold of one token does not get the others by it.
    if (presented && presented.sid !== target) return refuse('missing_privilege');
    const now = Date.now();
    const decision = extended(session, { ttlMs, bySystem: presented === undefined }, newStamp(kid, now), now);
    if (!decision.ok) return decision;
    this.#change(() => this.#storage.updateSession(decision.value));
    return ok({ session: decision.value, record, touched: false });
  }

  /** Notes what a device says of itself anew; members that are not given stay. */
  describeDevice(presented: PresentedSession, described: DeviceInfo): Result<Standing, 'session_ended'> {
    const standing = this.standing(presented);
    if (!standing.ok) return standing;
    const { session } = standing.value;
    const next = { ...session, deviceInfo: { ...session.deviceInfo, ...described } };
    this.#storage.updateSession(next);
    return ok({ ...standing.value, session: next });
  }

  /** Ends one device session on the word of its own token. */
  async end(presented: PresentedSession): Promise<Result<Ended, 'session_ended'>> {
    const standing = this.standing(presented);
    if (standing.ok) return ok({ everywhere: await this.#outbox.end([presented.sid]) });
    // Asked again for an end that has not reached everybody: not done, rather than nothing to do.
    return (await this.#deliver()) ? standing : ok({ everywhere: false });
  }

  /** Ends one device session on the word of any that stands; refuses `device_not_found` where there is none. */
  async endOne(
    presented: PresentedSession,
    target: string,
  ): Promise<Result<Ended, 'session_ended' | 'device_not_found'>> {
    const standing = this.standing(presented);
    if (!standing.ok) return standing;
    if (!this.#stands(target)) {
      return (await this.#deliver()) ? refuse('device_not_found') : ok({ everywhere: false });
    }
    return ok({ everywhere: await this.#outbox.end([target]) });
  }

  /**
   * Ends these device sessions, on the word of any that stands or, without one, of the Worker's caller (a secret key, a
   * link that can do nothing else). `missing`: those of them that did not stand.
   */
  async endSome(
    targets: readonly string[],
    presented?: PresentedSession,
  ): Promise<Result<Ended & { missing: string[] }, 'session_ended'>> {
    const standing = presented === undefined ? ok(undefined) : this.standing(presented);
    if (!standing.ok) return standing;
    const missing = targets.filter(id => !this.#stands(id));
    if (!this.#exists) return ok({ everywhere: true, missing });
    return ok({ everywhere: await this.#outbox.end(targets.filter(id => !missing.includes(id))), missing });
  }

  /** Ends every device session but the one that asks. */
  async endOthers(presented: PresentedSession): Promise<Result<Ended, 'session_ended'>> {
    const standing = this.standing(presented);
    if (!standing.ok) return standing;
    return ok({ everywhere: await this.#outbox.end(this.#ids().filter(id => id !== presented.sid)) });
  }

  /**
   * Ends every device session of the user. Given one, on the word of that one, which must stand; without, on
   * the word of the Worker's caller (a secret key).
   */
  async endAll(presented?: PresentedSession): Promise<Result<Ended, 'session_ended'>> {
    const standing = presented === undefined ? ok(undefined) : this.standing(presented);
    if (!standing.ok || !this.#exists) return standing.ok ? ok({ everywhere: true }) : standing;
    return ok({ everywhere: await this.#outbox.end(this.#ids()) });
  }

  /** Takes a newer copy of the record, and ends what it makes worthless; an older copy changes nothing. */
  async takeCopy(record: UserRecord): Promise<Ended> {
    const held = this.#exists ? this.#storage.record() : null;
    if (this.#isErased() || (held && isOlder(record, held))) return { everywhere: await this.#deliver() };
    const ending = endedByCopy(record, this.#sessions());
    const now = Date.now();
    this.#change(() => {
      this.#storage.putRecord(record);
      for (const id of ending) this.#storage.endSession(id, now);
    });
    return { everywhere: await this.#outbox.deliver() };
  }

  /**
   * Ends every device session of a user who is being erased, and lets nobody in from now on. `ban`: what refuses them,
   * to be remembered elsewhere before `forget`.
   */
  async erase(): Promise<Ended & { ban: Ban | null }> {
    const ids = this.#ids();
    const now = Date.now();
    this.#change(() => {
      if (this.#storage.erasedAt() === null) this.#storage.putErasureNews(now);
      this.#storage.putErased(now);
      for (const id of ids) this.#storage.endSession(id, now);
    });
    return { everywhere: await this.#outbox.deliver(), ban: this.#storage.ban() };
  }

  /**
   * Forgets everything about an erased user whom every live session has heard of. That they were erased is remembered for
   * a few minutes more.
   */
  forget(): void {
    if (this.#isErased()) this.#change(() => this.#storage.clear());
  }

  /** Ends every device session, and refuses new ones until lifted or `until`. */
  async ban(ban: Ban): Promise<Result<Ended, 'user_not_found'>> {
    if (this.#isErased()) return refuse('user_not_found');
    const ids = this.#ids();
    const now = Date.now();
    this.#change(() => {
      this.#storage.putBan(ban);
      for (const id of ids) this.#storage.endSession(id, now);
    });
    return ok({ everywhere: await this.#outbox.deliver() });
  }

  /** Lets the user in again. */
  liftBan(): void {
    if (this.#exists) this.#storage.deleteBan();
  }

  /** The ban in force or to come, which D1's flag only shows. */
  currentBan(): Ban | null {
    return this.#exists ? this.#storage.ban() : null;
  }

  /**
   * Makes a live session hosted by this user: the live session first, then its note here, or it is destroyed
   * again. So whatever ends the device session meanwhile finds either the note, or no live session at all.
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
    if (this.#exists) this.#storage.withdrawNote(liveId, sid, notedAt);
  }

  /** Ends what is over and tells the live sessions that have not heard yet. Safe to run any number of times. */
  override async alarm(): Promise<void> {
    if (!this.#exists) return;
    const now = Date.now();
    const erasedAt = this.#storage.erasedAt();
    if (erasedAt !== null) return this.#leaveNothing(erasedAt, now);
    const over = this.#sessions().filter(session => now >= endOf(session));
    await this.#outbox.end(over.map(session => session.id));
    this.#setAlarm();
  }

  /** Of an erased user: tells who has not heard and, once everything is forgotten, forgets even that. */
  async #leaveNothing(erasedAt: number, now: number): Promise<void> {
    const everywhere = await this.#outbox.deliver();
    if (!everywhere || this.#storage.record() !== null || !mayForget(erasedAt, now)) return;
    this.#exists = false;
    await this.ctx.storage.deleteAll();
  }

  #isErased(): boolean {
    return this.#exists && this.#storage.erasedAt() !== null;
  }

  #stands(id: string): boolean {
    const session = this.#exists ? this.#storage.session(id) : null;
    return session !== null && Date.now() < endOf(session);
  }

  async #deliver(): Promise<boolean> {
    return !this.#exists || this.#outbox.deliver();
  }

  #sessions(): DeviceSession[] {
    return this.#exists ? this.#storage.sessions() : [];
  }

  #ids(): string[] {
    return this.#sessions().map(session => session.id);
  }

  /** One transaction, in tables that are there, and the alarm that follows from it. */
  #change(change: () => void): void {
    this.ctx.storage.transactionSync(() => {
      if (!this.#exists) this.#storage.createTables();
      change();
    });
    this.#exists = true;
    this.#setAlarm();
  }

  #setAlarm(): void {
    const storage = this.#storage;
    const at = nextAlarm(storage.sessions(), storage.nextDeliveryAt(), storage.erasedAt());
    if (at === null) this.ctx.storage.deleteAlarm();
    else this.ctx.storage.setAlarm(at);
  }

  #liveSession(liveId: string): LiveSessionObject {
    const object = openObjects(this.env, noTrips()).liveSession(liveId);
    if (!object) throw new Error('a note about what is no live session');
    return object;
  }
}

function newStamp(kid: string, issuedAt: number): TokenStamp {
  return { accessJti: uuid(), refreshJti: uuid(), kid, issuedAt };
}
