import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { type LiveSessionObject, openObjects } from '../../src/platform/objects.ts';
import { noTrips } from '../../src/platform/trips.ts';
import { makeKeyRing } from '../../src/tokens/key-ring.ts';
import type { UserRecord } from '../../src/users/contract.ts';
import { ORIGIN, type Room, type SignedIn } from './client.ts';

export const keyRing = makeKeyRing(JSON.parse(env.SIGNING_KEYS).keys, ORIGIN);

export const liveStub = (sessionId: string) =>
  env.LIVE_SESSIONS.get(env.LIVE_SESSIONS.idFromString(sessionId));
export const deviceStub = (uid: number) => env.DEVICE_SESSIONS.getByName(String(uid));

/** The objects as the Worker's services see them. */
export const objects = openObjects(env, noTrips());
export const deviceObject = objects.deviceSessions;
export function liveObject(sessionId: string): LiveSessionObject {
  const object = objects.liveSession(sessionId);
  if (!object) throw new Error('no live session can have this id');
  return object;
}

/** The tables an object's storage has: none, where nothing of it is left. */
export function tablesOf(stub: DurableObjectStub): Promise<string[]> {
  return runInDurableObject(stub as never, (_, { storage }: DurableObjectState) =>
    storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
      )
      .toArray()
      .map(row => row.name),
  );
}

export function recordOf({ uid, userId }: Pick<SignedIn, 'uid' | 'userId'>): UserRecord {
  return {
    uid,
    userId,
    entry: 'open',
    ban: null,
    version: 1,
    credentialVersion: 1,
    keptSid: null,
    username: null,
    accountKeySetAt: null,
    displayName: null,
    profileHandle: null,
    description: null,
    avatarCustomUrl: null,
    metadata: null,
    isBrand: false,
    wallets: [],
    kin: [],
    roles: [],
    photos: [],
    createdAt: 0,
    updatedAt: 0,
  };
}

/** A live session of a length no client may ask for, made at its object: its alarms are real ones. */
export async function openShortRoom(host: SignedIn, expiryMs: number): Promise<Room> {
  const sessionId = env.LIVE_SESSIONS.newUniqueId().toString();
  const created = await liveObject(sessionId).create({
    sid: host.sid,
    record: recordOf(host),
    request: {
      identity: { name: null, chainAddress: null },
      allowList: [],
      rules: {
        capacity: 50,
        expiryMs,
        password: null,
        allowOnlyListed: false,
        allowGuests: false,
        memberTimeoutMs: 0,
        maxFiles: 0,
        maxTotalMegaBytes: 0,
      },
    },
  });
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { sub: host.userId, uid: host.uid, sid: host.sid, live: sessionId, mid: created.mid, exp };
  return { sessionId, token: await keyRing.sign('member', claims, Date.now()) };
}
