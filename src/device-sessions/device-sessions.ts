import { DurableObject } from 'cloudflare:workers';
import { uuid } from '../ids.ts';
import type { Created, CreateLiveSession } from '../live-sessions/contract.ts';
import type { LiveSessionObject } from '../live-sessions/live-session.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { UserRecord } from '../users/contract.ts';
import type { Ban, DeviceSession } from './contract.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { rotate, type TokenStamp } from './rotation.ts';
import {
  authenticate,
  DELIVERY_WAIT_MS,
  endedByCopy,
  endOf,
  isOlder,
  nextAlarm,
  noteLiveSession,
  open,
  refreshed,
} from './rules.ts';
import { type DeviceSessionsStorage, openStorage } from './storage.ts';

export interface OpenDeviceSession
  extends Pick<DeviceSession, 'deviceId' | 'deviceInfo' | 'ipAddress' | 'openedBy' | 'proof' | 'wallet'> {
  /** The record as its caller read it in D1. */
  record: UserRecord;
  absoluteMs: number;
  /** Null: no idle end. */
  idleMs: number | null;
  /** The key that will sign the tokens. */
  kid: string;
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
  | 'open'
  | 'standing'
  | 'refresh'
  | 'list'
  | 'end'
  | 'endOne'
  | 'endOthers'
  | 'endAll'
  | 'takeCopy'
  | 'ban'
  | 'liftBan'
  | 'currentBan'
  | 'createLiveSession'
  | 'noteJoin'
  | 'withdrawJoin'
>;

/**
 * One user's device sessions, named by `users.id`: sole authority on who is signed in where, on the ban, and on
 * which live sessions were joined through which device session.
 */
export class DeviceSessions extends DurableObject<Env> {
  readonly #storage: DeviceSessionsStorage;
  readonly #outbox: Outbox;
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
  }

  /**
   * Opens a device session and takes the copy of the record. Ends an earlier session of the same device, and the
   * oldest beyond the cap, which the live sessions are told of, and told again by the alarm. Refuses `banned`, and `stale_record` where the caller's read of D1 is older than what
   * is known here.
   */
  async open(input: OpenDeviceSession): Promise<Result<Standing, 'banned' | 'stale_record'>> {
    const now = Date.now();
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
    return ok({ session, record });
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

  /**
   * Takes a refresh token of this device session: its pair from now on, or the pair in force again where the
   * immediate parent comes within the grace. Anything else is a theft: the device session ends with every token.
   */
  async refresh(
    sid: string,
    refreshJti: string,
    kid: string,
  ): Promise<Result<Standing, 'session_ended' | 'refresh_reused'>> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    const { session, record } = standing.value;
    const now = Date.now();
    const rotation = rotate(session.lineage, refreshJti, newStamp(kid, now), now);
    if (rotation.kind === 'repeat') return standing;
    if (rotation.kind === 'reused') {
      await this.#outbox.end([sid]);
      return refuse('refresh_reused');
    }
    const next = refreshed(session, rotation.lineage, now);
    this.#change(() => this.#storage.updateSession(next));
    return ok({ session: next, record });
  }

  /** Every device session that stands, the oldest first, to the bearer of one of them. */
  list(sid: string): Result<DeviceSession[], 'session_ended'> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    const now = Date.now();
    return ok(this.#sessions().filter(session => now < endOf(session)));
  }

  /** Ends one device session on the word of its own token. */
  async end(sid: string): Promise<Result<Ended, 'session_ended'>> {
    const standing = this.standing(sid);
    if (standing.ok) return ok({ everywhere: await this.#outbox.end([sid]) });
    // Asked again for an end that has not reached everybody: not done, rather than nothing to do.
    return (await this.#deliver()) ? standing : ok({ everywhere: false });
  }

  /** Ends one device session on the word of any that stands; refuses `device_not_found` where there is none. */
  async endOne(sid: string, target: string): Promise<Result<Ended, 'session_ended' | 'device_not_found'>> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    if (!this.standing(target).ok) {
      return (await this.#deliver()) ? refuse('device_not_found') : ok({ everywhere: false });
    }
    return ok({ everywhere: await this.#outbox.end([target]) });
  }

  /** Ends every device session but the one that asks. */
  async endOthers(sid: string): Promise<Result<Ended, 'session_ended'>> {
    const standing = this.standing(sid);
    if (!standing.ok) return standing;
    return ok({ everywhere: await this.#outbox.end(this.#ids().filter(id => id !== sid)) });
  }

  /**
   * Ends every device session of the user. Given `sid`, on the word of that one, which must stand; without, on
   * the word of the Worker's caller (a secret key).
   */
  async endAll(sid?: string): Promise<Result<Ended, 'session_ended'>> {
    const standing = sid === undefined ? ok(undefined) : this.standing(sid);
    if (!standing.ok || !this.#exists) return standing.ok ? ok({ everywhere: true }) : standing;
    return ok({ everywhere: await this.#outbox.end(this.#ids()) });
  }

  /** Takes a newer copy of the record, and ends what it makes worthless; an older copy changes nothing. */
  async takeCopy(record: UserRecord): Promise<Ended> {
    const held = this.#exists ? this.#storage.record() : null;
    if (held && isOlder(record, held)) return { everywhere: await this.#deliver() };
    const ending = endedByCopy(record.entry, this.#sessions());
    const now = Date.now();
    this.#change(() => {
      this.#storage.putRecord(record);
      for (const id of ending) this.#storage.endSession(id, now);
    });
    return { everywhere: await this.#outbox.deliver() };
  }

  /** Ends every device session, and refuses new ones until lifted or `until`. */
  async ban(ban: Ban): Promise<Ended> {
    const ids = this.#ids();
    const now = Date.now();
    this.#change(() => {
      this.#storage.putBan(ban);
      for (const id of ids) this.#storage.endSession(id, now);
    });
    return { everywhere: await this.#outbox.deliver() };
  }

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

  /** Takes back the note, made at `notedAt`, of a join that was refused. */
  withdrawJoin(sid: string, liveId: string, notedAt: number): void {
    if (this.#exists) this.#storage.withdrawNote(liveId, sid, notedAt);
  }

  /** Ends what is over and tells the live sessions that have not heard yet. Safe to run any number of times. */
  override async alarm(): Promise<void> {
    if (!this.#exists) return;
    const now = Date.now();
    const over = this.#sessions().filter(session => now >= endOf(session));
    await this.#outbox.end(over.map(session => session.id));
    this.#setAlarm();
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
    const subject = String(standing.value.record.uid);
    const asked = noted.map(async id => {
      const askedAt = Date.now();
      // Who is outside may have a join on its way: from this answer on, the live session refuses it.
      const inside = await this.#liveSession(id).isInside(subject, askedAt);
      if (!inside) this.#storage.forgetLiveSession(id, askedAt);
    });
    await Promise.race([Promise.allSettled(asked), scheduler.wait(DELIVERY_WAIT_MS)]);
    return this.standing(sid);
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

function newStamp(kid: string, issuedAt: number): TokenStamp {
  return { accessJti: uuid(), refreshJti: uuid(), kid, issuedAt };
}
