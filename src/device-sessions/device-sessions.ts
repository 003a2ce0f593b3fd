import { DurableObject } from 'cloudflare:workers';
import { uuid } from '../ids.ts';
import type { Created, CreateLiveSession } from '../live-sessions/contract.ts';
import type { LiveSessionObject } from '../live-sessions/live-session.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { UserRecord } from '../users/contract.ts';
import type { DeviceSession } from './contract.ts';
import {
  authenticate,
  DELIVERY_WAIT_MS,
  endOf,
  NOTE_SETTLED_MS,
  nextAlarm,
  noteLiveSession,
  open,
  retryAt,
} from './rules.ts';
import { type Delivery, type DeviceSessionsStorage, openStorage } from './storage.ts';

export interface OpenDeviceSession
  extends Pick<DeviceSession, 'deviceId' | 'deviceInfo' | 'ipAddress' | 'openedBy' | 'proof'> {
  /** The record as its caller read it in D1. */
  record: UserRecord;
  absoluteMs: number;
  /** Null: no idle end. */
  idleMs: number | null;
}

/** A device session that stands, and the copy of its user's record. */
export interface Standing {
  session: DeviceSession;
  record: UserRecord;
}

/** `everywhere` false: the end stands, but some live session did not take it yet; the alarm goes on telling it. */
export interface Ended {
  everywhere: boolean;
}

/** The RPC methods, for callers in the Worker and in other objects. */
export type DeviceSessionsObject = Pick<
  DeviceSessions,
  'open' | 'standing' | 'end' | 'endAll' | 'createLiveSession' | 'noteJoin' | 'withdrawJoin'
>;

/**
 * One user's device sessions, named by `users.id`: sole authority on who is signed in where, and on which live
 * sessions were joined through which device session.
 */
export class DeviceSessions extends DurableObject<Env> {
  readonly #storage: DeviceSessionsStorage;
  #exists: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openStorage(ctx.storage);
    this.#exists = this.#storage.exists();
  }

  /**
   * Opens a device session and takes the copy of the record. Ends an earlier session of the same device, and the
   * oldest beyond the cap. Refuses `stale_record` where the caller's read of D1 is older than what is known here.
   */
  async open(input: OpenDeviceSession): Promise<Result<Standing & Ended, 'stale_record'>> {
    const now = Date.now();
    const { record, absoluteMs, idleMs, ...given } = input;
    const decision = open({
      held: this.#exists ? this.#storage.record() : null,
      offered: record,
      standing: this.#exists ? this.#storage.sessions() : [],
      deviceId: input.deviceId,
    });
    if (!decision.ok) return decision;
    const session: DeviceSession = {
      ...given,
      id: uuid(),
      createdAt: now,
      lastUsedAt: now,
      absoluteEndAt: now + absoluteMs,
      idleEndAt: idleMs === null ? null : now + idleMs,
    };
    const { ending } = decision.value;
    this.ctx.storage.transactionSync(() => {
      this.#storage.createTables();
      this.#storage.putRecord(record);
      for (const id of ending) this.#storage.endSession(id, now);
      this.#storage.insertSession(session);
    });
    this.#exists = true;
    this.#setAlarm();
    return ok({ session, record, everywhere: await this.#deliver(ending) });
  }

  /** The presented device session, if it stands: asked by every authenticated request, so nothing caches it. */
  standing(sid: string): Result<Standing, 'session_ended'> {
    const now = Date.now();
    const session = this.#exists ? this.#storage.session(sid) : null;
    const decision = authenticate(session, now);
    const record = this.#exists ? this.#storage.record() : null;
    if (!decision.ok || !session || !record) return refuse('session_ended');
    if (!decision.value.touch) return ok({ session, record });
    const touched = { ...session, lastUsedAt: now };
    this.#storage.updateSession(touched);
    return ok({ session: touched, record });
  }

  /** Ends one device session on the word of its own token. */
  async end(sid: string): Promise<Result<Ended, 'session_ended'>> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    return ok({ everywhere: await this.#end([sid]) });
  }

  /**
   * Ends every device session of the user. Given `sid`, on the word of that one, which must stand; without, on
   * the word of the Worker's caller (a secret key).
   */
  async endAll(sid?: string): Promise<Result<Ended, 'session_ended'>> {
    if (sid !== undefined) {
      const standing = this.standing(sid);
      if (!standing.ok) return standing;
    }
    const ids = this.#exists ? this.#storage.sessions().map(session => session.id) : [];
    return ok({ everywhere: await this.#end(ids) });
  }

  /**
   * Makes a live session hosted by this user: the live session first, then its note here, or it is destroyed
   * again. So whatever ends the device session meanwhile finds either the note, or no live session at all.
   */
  async createLiveSession(
    sid: string,
    liveId: string,
    request: CreateLiveSession,
  ): Promise<Result<Created, 'session_ended' | 'too_many_live_sessions' | 'address_not_proven'>> {
    const room = await this.#makeRoom(sid, liveId);
    if (!room.ok) return room;
    const { record } = room.value;
    const { chainAddress } = request.identity;
    if (chainAddress !== null && !record.wallets.includes(chainAddress)) return refuse('address_not_proven');
    const live = this.#liveSession(liveId);
    const created = await live.create({ sid, record, request });
    const noted = this.#note(sid, liveId);
    if (noted.ok) return ok(created);
    await live.discard();
    return noted;
  }

  /** Approves a join and notes it, before the live session admits: an end from now on reaches it there. */
  async noteJoin(
    sid: string,
    liveId: string,
  ): Promise<Result<Standing & { notedAt: number }, 'session_ended' | 'too_many_live_sessions'>> {
    const room = await this.#makeRoom(sid, liveId);
    if (!room.ok) return room;
    const noted = this.#note(sid, liveId);
    return noted.ok ? ok({ ...room.value, ...noted.value }) : noted;
  }

  /** Takes back the note of a join that was refused. */
  withdrawJoin(sid: string, liveId: string): void {
    if (this.#exists) this.#storage.withdrawNote(liveId, sid);
  }

  /** Ends what is over and tells the live sessions that have not heard yet. Safe to run any number of times. */
  override async alarm(): Promise<void> {
    if (!this.#exists) return;
    const now = Date.now();
    const over = this.#storage.sessions().filter(session => now >= endOf(session));
    await this.#end(over.map(session => session.id));
    await this.#deliver();
    this.#setAlarm();
  }

  #note(
    sid: string,
    liveId: string,
  ): Result<{ notedAt: number }, 'session_ended' | 'too_many_live_sessions'> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    const decision = noteLiveSession(this.#storage.notedLiveSessions(), liveId);
    if (!decision.ok) return decision;
    const notedAt = Date.now();
    this.#storage.note(liveId, sid, notedAt);
    return ok({ notedAt });
  }

  /** At the cap, asks the noted live sessions and forgets those this user is no longer in. */
  async #makeRoom(sid: string, liveId: string): Promise<Result<Standing, 'session_ended'>> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    const noted = this.#storage.notedLiveSessions();
    if (noteLiveSession(noted, liveId).ok) return standing;
    const settledBefore = Date.now() - NOTE_SETTLED_MS;
    await Promise.all(
      noted.map(async id => {
        const found = await this.#liveSession(id).whereabouts(String(standing.value.record.uid));
        // Who is outside may have a join on its way, so that only a settled note of theirs goes.
        if (found === 'outside') this.#storage.forgetLiveSession(id, settledBefore);
        if (found === 'over') this.#storage.forgetLiveSession(id, Number.POSITIVE_INFINITY);
      }),
    );
    return this.standing(sid);
  }

  /** Whether every live session joined through these device sessions has been told in time. */
  async #end(ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return true;
    const now = Date.now();
    this.ctx.storage.transactionSync(() => {
      for (const id of ids) this.#storage.endSession(id, now);
    });
    this.#setAlarm();
    return this.#deliver(ids);
  }

  /** Empties the outbox as far as the live sessions answer; true where nothing of `ids` (of anybody) is left. */
  async #deliver(ids?: readonly string[]): Promise<boolean> {
    const concerned = (delivery: Delivery) => !ids || ids.includes(delivery.sid);
    const waiting = this.#storage.outbox().filter(concerned);
    if (waiting.length === 0) return true;
    // The next try is written down before this one, so that neither a crash nor a hanging callee can lose it.
    const now = Date.now();
    for (const delivery of waiting) this.#storage.tried(delivery, retryAt(delivery.attempts, now));
    this.#setAlarm();
    const told = Promise.all(waiting.map(delivery => this.#tell(delivery)));
    await Promise.race([told, scheduler.wait(DELIVERY_WAIT_MS)]);
    this.#setAlarm();
    return !this.#storage.outbox().some(concerned);
  }

  async #tell(delivery: Delivery): Promise<void> {
    const subject = String(this.#storage.record()?.uid);
    try {
      await this.#liveSession(delivery.liveId).endDeviceSession(subject, delivery.sid);
      this.#storage.delivered(delivery);
    } catch (error) {
      console.error(
        JSON.stringify({ event: 'delivery_failed', liveId: delivery.liveId, error: String(error) }),
      );
    }
  }

  #setAlarm(): void {
    const at = nextAlarm(this.#storage.sessions(), this.#storage.nextDeliveryAt());
    if (at === null) this.ctx.storage.deleteAlarm();
    else this.ctx.storage.setAlarm(at);
  }

  #liveSession(liveId: string): LiveSessionObject {
    const { LIVE_SESSIONS } = this.env;
    return LIVE_SESSIONS.get(LIVE_SESSIONS.idFromString(liveId)) as unknown as LiveSessionObject;
  }
}
