/** A user's presence at its object and through the service: set, read while time goes by, and erased. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Presence, presenceSchema } from '../../src/presence/contract.ts';
import { erasePresence, readPresences, setPresence } from '../../src/presence/service.ts';
import { objects, tablesOf } from '../support/objects.ts';

afterEach(() => {
  vi.useRealTimers();
});

const NOW = 1_800_000_000_000;
const chain: Presence = {
  type: 'mitter.up.Online',
  timeToLive: 10,
  expiresTo: { type: 'mitter.up.Away', timeToLive: 10 },
};

const stubOf = (uid: number) => env.USER_PRESENCE.getByName(String(uid));
const objectOf = objects.presence;
const deps = { presence: objectOf, now: () => Date.now() };
const user = (uid: number) => ({ uid, userId: `user-${uid}` });
const readOne = async (uid: number) => (await readPresences(deps, [user(uid)]))[0];
const standStill = (now: number) => vi.useFakeTimers({ toFake: ['Date'], now });

let lastUid = 0;
const newUid = () => {
  lastUid += 1;
  return lastUid;
};

/** All that is kept, how often it was written since, and what would wake the object. */
const insideOf = (uid: number) =>
  runInDurableObject(stubOf(uid) as never, async (_, { storage }: DurableObjectState) => ({
    rows: storage.sql.exec('SELECT * FROM presence').toArray(),
    changes: storage.sql.exec('SELECT total_changes() AS changes').one().changes,
    alarm: await storage.getAlarm(),
  }));

describe('works', () => {
  it('tells what was set last and when', async () => {
    const uid = newUid();
    standStill(NOW);
    await setPresence(deps, uid, chain);
    expect(await objectOf(uid).read()).toEqual({ presence: chain, setAt: NOW });
    expect(await readOne(uid)).toEqual({ userId: `user-${uid}`, presence: chain, setAt: NOW });
  });

  it('remembers across an eviction and a crash', async () => {
    const uid = newUid();
    standStill(NOW);
    await setPresence(deps, uid, chain);
    await evictDurableObject(stubOf(uid));
    expect(await objectOf(uid).read()).toEqual({ presence: chain, setAt: NOW });
    await abortAllDurableObjects();
    expect(await objectOf(uid).read()).toEqual({ presence: chain, setAt: NOW });
    await setPresence(deps, uid, { type: 'Offline', timeToLive: 0 });
    expect(await objectOf(uid).read()).toMatchObject({ presence: { type: 'Offline' } });
  });

  it('goes through its chain as time goes by, and writes and plans nothing for it', async () => {
    const uid = newUid();
    standStill(NOW);
    await setPresence(deps, uid, chain);
    const before = await insideOf(uid);
    expect(before).toMatchObject({ rows: [{ setAt: NOW }], alarm: null });
    const seen: unknown[] = [];
    for (const ms of [9_999, 10_000, 19_999, 20_000, 1_000_000]) {
      vi.setSystemTime(NOW + ms);
      const { presence, setAt } = (await readOne(uid)) ?? {};
      seen.push([presence?.type, presence?.timeToLive, setAt]);
    }
    expect(seen).toEqual([
      ['mitter.up.Online', 1, NOW],
      ['mitter.up.Away', 10, NOW],
      ['mitter.up.Away', 1, NOW],
      [undefined, undefined, NOW],
      [undefined, undefined, NOW],
    ]);
    expect(await insideOf(uid)).toEqual(before);
  });

  it('begins anew with a set in the middle of a chain, and with one after its end', async () => {
    const uid = newUid();
    standStill(NOW);
    await setPresence(deps, uid, chain);
    vi.setSystemTime(NOW + 15_000);
    await setPresence(deps, uid, chain);
    expect(await readOne(uid)).toMatchObject({ presence: chain, setAt: NOW + 15_000 });
    vi.setSystemTime(NOW + 24_999);
    expect(await readOne(uid)).toMatchObject({ presence: { type: 'mitter.up.Online', timeToLive: 1 } });
    vi.setSystemTime(NOW + 90_000);
    await setPresence(deps, uid, { type: 'Back', timeToLive: 0 });
    expect(await readOne(uid)).toMatchObject({ presence: { type: 'Back', timeToLive: 0 } });
    expect((await insideOf(uid)).rows).toHaveLength(1);
  });

  it('takes a clock that went backwards for one that stands', async () => {
    const uid = newUid();
    standStill(NOW);
    await setPresence(deps, uid, chain);
    vi.setSystemTime(NOW - 60_000);
    expect(await readOne(uid)).toMatchObject({ presence: chain });
    await setPresence(deps, uid, { type: 'Again', timeToLive: 5 });
    expect(await readOne(uid)).toMatchObject({ presence: { type: 'Again', timeToLive: 5 } });
  });

  it('answers for many users in their order, all asked before any has answered', async () => {
    standStill(NOW);
    const uids = Array.from({ length: 100 }, newUid);
    await Promise.all(
      uids.map(uid => (uid % 2 ? setPresence(deps, uid, { type: `type ${uid}`, timeToLive: 0 }) : null)),
    );
    let asked = 0;
    const all = Promise.withResolvers<void>();
    const patient = (uid: number) => ({
      read: async () => {
        asked += 1;
        if (asked === uids.length) all.resolve();
        await all.promise;
        return objectOf(uid).read();
      },
    });
    const backwards = uids.toReversed();
    const presence = patient as unknown as typeof deps.presence;
    const views = await readPresences({ ...deps, presence }, backwards.map(user));
    expect(views).toEqual(
      backwards.map(uid => ({
        userId: `user-${uid}`,
        presence: uid % 2 ? { type: `type ${uid}`, timeToLive: 0 } : null,
        setAt: uid % 2 ? NOW : null,
      })),
    );
    expect(asked).toBe(100);
  });

  it('S37 keeps every type it takes as it is', async () => {
    const uid = newUid();
    for (const type of [
      '__proto__',
      'constructor',
      "'; DROP TABLE presence; --",
      '漢字',
      '👩‍👩‍👧',
      '\\"{}',
    ]) {
      await setPresence(deps, uid, presenceSchema.parse({ type }));
      expect((await readOne(uid))?.presence).toEqual({ type, timeToLive: 0 });
    }
  });

  it('keeps a chain of sixteen of the longest types', async () => {
    const uid = newUid();
    let longest: Presence = { type: '😀'.repeat(100), timeToLive: 315_360_000 };
    for (let depth = 1; depth < 16; depth += 1) longest = { ...longest, expiresTo: longest };
    await setPresence(deps, uid, longest);
    expect((await objectOf(uid).read())?.presence).toEqual(longest);
  });
});

describe('refuses', () => {
  it('S50 a set that comes just after the erasure', async () => {
    const uid = newUid();
    await erasePresence(deps, uid);
    await expect(setPresence(deps, uid, chain)).rejects.toMatchObject({ code: 'user_not_found' });
    expect(await readOne(uid)).toMatchObject({ presence: null, setAt: null });
    expect(await tablesOf(stubOf(uid))).toEqual([]);
  });
});

describe('keeps out', () => {
  it('S50 an erased user: nothing is left, in memory or stored, however often it is asked', async () => {
    const uid = newUid();
    await setPresence(deps, uid, chain);
    expect(await tablesOf(stubOf(uid))).toEqual(['presence', 'schemaVersion']);
    await erasePresence(deps, uid);
    expect(await objectOf(uid).read()).toBe(null);
    expect(await tablesOf(stubOf(uid))).toEqual([]);
    await erasePresence(deps, uid);
    await evictDurableObject(stubOf(uid));
    expect(await objectOf(uid).read()).toBe(null);
    expect(await tablesOf(stubOf(uid))).toEqual([]);
  });

  it('S50 the sets that race an erasure, whichever comes first', async () => {
    for (let round = 0; round < 20; round += 1) {
      const uid = newUid();
      const set = () => setPresence(deps, uid, chain).catch(error => error.code);
      const work = Array.from({ length: 10 }, (_, index) =>
        index === round % 10 ? erasePresence(deps, uid) : set(),
      );
      await Promise.all(work);
      expect(await objectOf(uid).read()).toBe(null);
      expect(await tablesOf(stubOf(uid))).toEqual([]);
    }
  });

  it('whoever only looks: a presence never set leaves nothing behind', async () => {
    const uid = newUid();
    expect(await readOne(uid)).toEqual({ userId: `user-${uid}`, presence: null, setAt: null });
    await erasePresence(deps, newUid());
    expect(await tablesOf(stubOf(uid))).toEqual([]);
    expect(await tablesOf(stubOf(lastUid))).toEqual([]);
  });

  it('one user from what another set', async () => {
    const [mine, other] = [newUid(), newUid()];
    await setPresence(deps, mine, chain);
    expect(await objectOf(other).read()).toBe(null);
    await erasePresence(deps, other);
    expect(await objectOf(mine).read()).toMatchObject({ presence: chain });
  });
});
