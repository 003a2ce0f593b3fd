import type { Config } from './config.ts';
import { type KeyRing, makeKeyRing } from './crypto/key-ring.ts';
import { type Database, openDatabase } from './db.ts';
import type { DeviceSessionsObject } from './device-sessions/device-sessions.ts';
import type { LiveSessionObject } from './live-sessions/live-session.ts';
import { logFault } from './log.ts';
import { erasePresence } from './presence/service.ts';
import type { UserPresenceObject } from './presence/user-presence.ts';
import type { SingleUseObject } from './single-use/single-use.ts';
import { forgetUsername } from './throttle/service.ts';
import type { ThrottleObject } from './throttle/throttle.ts';
import { countCalls, type Trips } from './trips.ts';
import { eraseUploads } from './uploads/service.ts';
import type { Erasure } from './users/erasure-service.ts';
import type { TakeCopy } from './users/service.ts';

/** What services need of the world, built per request; a service says which part with `Pick<Deps, …>`. */
export interface Deps {
  config: Config;
  db: Database;
  keyRing: KeyRing;
  /** Epoch ms. */
  now: () => number;
  trips: Trips;
  /** Does work off the response path: its trips are its own, and its failure is only logged. */
  defer: (work: (deps: Deps) => Promise<unknown>) => void;
  /** Lets work come to its end although the client is gone. */
  keep: <T>(work: Promise<T>) => Promise<T>;
  /** One structured line about a security event; never a secret in it. */
  audit: (event: SecurityEvent, facts?: Record<string, string | number | boolean | null>) => void;
  deviceSessions: (uid: number) => DeviceSessionsObject;
  /** The live session of this id, or null where the id cannot be one. */
  liveSession: (id: string) => LiveSessionObject | null;
  newLiveSessionId: () => string;
  singleUse: (shard: string) => SingleUseObject;
  /** Failed attempts of one subject: a username, an address. */
  throttle: (subject: string) => ThrottleObject;
  presence: (uid: number) => UserPresenceObject;
  /** Files of live sessions, and uploads. */
  files: R2Bucket;
  takeCopy: TakeCopy;
  erasure: Erasure;
}

export type SecurityEvent =
  | 'signed_in'
  | 'signed_out'
  | 'refreshed'
  | 'refresh_reused'
  | 'session_ended'
  | 'auth_token_issued'
  | 'banned'
  | 'ban_lifted'
  | 'roles_changed'
  | 'key_used'
  | 'key_created'
  | 'key_revoked'
  | 'token_issued'
  | 'token_revoked'
  | 'registered'
  | 'sign_in_failed'
  | 'password_changed'
  | 'password_set'
  | 'account_key_set'
  | 'password_reset'
  | 'erased'
  | 'wallet_attached'
  | 'wallet_removed'
  | 'refused'
  | 'live_session_created'
  | 'joined'
  | 'kicked'
  | 'live_session_deleted'
  | 'bar_lifted'
  | 'host_handed_over'
  | 'rules_changed';

export interface World {
  env: Env;
  config: Config;
  requestId: string;
  trips: Trips;
  waitUntil: (work: Promise<unknown>) => void;
}

const LIVE_SESSION_ID = /^[0-9a-f]{64}$/;
const keyRings = new WeakMap<Config, KeyRing>();

export function makeDeps(world: World): Deps {
  const { env, config, requestId, trips, waitUntil } = world;
  const keyRing = keyRings.get(config) ?? makeKeyRing(config.signingKeys, config.publicUrl);
  keyRings.set(config, keyRing);
  const deviceSessions = (uid: number): DeviceSessionsObject => {
    const stub = env.DEVICE_SESSIONS.getByName(String(uid));
    return countCalls(stub as unknown as DeviceSessionsObject, trips);
  };
  const presence = (uid: number): UserPresenceObject =>
    countCalls(env.USER_PRESENCE.getByName(String(uid)) as unknown as UserPresenceObject, trips);
  const throttle = (subject: string): ThrottleObject =>
    countCalls(env.THROTTLE.getByName(subject) as unknown as ThrottleObject, trips);
  const db = openDatabase(env.DB, trips);
  return {
    config,
    db,
    keyRing,
    now: () => Date.now(),
    trips,
    defer: work => {
      const deferred = makeDeps({ ...world, trips: { d1: 0, objects: 0 } });
      waitUntil(work(deferred).catch(error => logFault('deferred work failed', error)));
    },
    keep: work => {
      waitUntil(work.catch(() => {}));
      return work;
    },
    audit: (event, facts) => console.log(JSON.stringify({ event, requestId, ...facts })),
    deviceSessions,
    takeCopy: async record => deviceSessions(record.uid).takeCopy(record),
    erasure: {
      endSessions: async uid => deviceSessions(uid).erase(),
      clear: async ({ id: uid, username }) => {
        await Promise.all([
          deviceSessions(uid).forget(),
          erasePresence({ presence }, uid),
          eraseUploads({ db, files: env.FILES }, uid),
          // What stands for whoever has no username, too: they may have had none when they tried.
          ...[`#${uid}`, username].map(subject => subject && forgetUsername({ throttle }, subject)),
        ]);
      },
    },
    singleUse: shard => countCalls(env.SINGLE_USE.getByName(shard) as unknown as SingleUseObject, trips),
    throttle,
    presence,
    liveSession: id => {
      // One spelling only: the room password and the notes about a live session go by the text of its id.
      if (!LIVE_SESSION_ID.test(id)) return null;
      try {
        const stub = env.LIVE_SESSIONS.get(env.LIVE_SESSIONS.idFromString(id));
        return countCalls(stub as unknown as LiveSessionObject, trips);
      } catch {
        return null;
      }
    },
    files: env.FILES,
    newLiveSessionId: () => env.LIVE_SESSIONS.newUniqueId().toString(),
  };
}
