/** The objects that count, remember and show presence, as earlier releases stored them. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { openObjects } from '../../src/platform/objects.ts';
import { noTrips } from '../../src/platform/trips.ts';
import { pretendNewer, putState, rowsOf } from '../support/object-fixtures.ts';

const objects = openObjects(env, noTrips());
const soon = () => Date.now() + 60_000;

describe('keys that are good once', () => {
  const stub = (name: string) => env.SINGLE_USE.getByName(name);

  it('stay spent, where an object knew spent ones alone', async () => {
    await putState(stub('only-spent'), [
      ['CREATE TABLE spent (key TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID'],
      ['CREATE INDEX spentByEnd ON spent (until)'],
      ['INSERT INTO spent VALUES (?, ?)', 'a', soon()],
    ]);
    const object = objects.singleUse('only-spent');
    expect(await object.isSpent('a')).toBe(true);
    expect(await object.spend('a', soon())).toBe(false);
    expect(await object.redeem('a')).toBe(null);
    expect(await object.issue('b', 'said', soon())).toBe(true);
    expect(await object.redeem('b')).toBe('said');
  });

  it('can be redeemed, where an object knew issued ones alone', async () => {
    await putState(stub('only-issued'), [
      [
        'CREATE TABLE issued (key TEXT PRIMARY KEY, until INTEGER NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID',
      ],
      ['CREATE INDEX issuedByEnd ON issued (until)'],
      ['INSERT INTO issued VALUES (?, ?, ?)', 'a', soon(), 'said'],
    ]);
    const object = objects.singleUse('only-issued');
    expect(await object.isSpent('a')).toBe(false);
    expect(await object.redeem('a')).toBe('said');
    expect(await object.spend('a', soon())).toBe(true);
  });

  it('are known to an object that a later release has changed', async () => {
    const object = objects.singleUse('later');
    await object.spend('a', soon());
    await pretendNewer(stub('later'));
    expect(await object.spend('a', soon())).toBe(false);
    expect(await object.spend('b', soon())).toBe(true);
  });
});

describe('a presence', () => {
  const stub = (uid: number) => env.USER_PRESENCE.getByName(String(uid));

  it('of before is read and replaced', async () => {
    await putState(stub(1), [
      [
        `CREATE TABLE presence (one INTEGER PRIMARY KEY CHECK (one = 1), presence TEXT NOT NULL,
           setAt INTEGER NOT NULL)`,
      ],
      ['INSERT INTO presence VALUES (1, ?, 5)', JSON.stringify({ type: 'Online', timeToLive: 0 })],
    ]);
    const object = objects.presence(1);
    expect(await object.read()).toEqual({ presence: { type: 'Online', timeToLive: 0 }, setAt: 5 });
    await object.set({ type: 'Away', timeToLive: 0 });
    expect(await object.read()).toMatchObject({ presence: { type: 'Away' } });
    expect(await rowsOf(stub(1), 'schemaVersion')).toHaveLength(1);
  });

  it('is known to an object that a later release has changed', async () => {
    const object = objects.presence(2);
    await object.set({ type: 'Online', timeToLive: 0 });
    await pretendNewer(stub(2));
    expect(await object.read()).toMatchObject({ presence: { type: 'Online' } });
    expect((await object.set({ type: 'Away', timeToLive: 0 })).ok).toBe(true);
  });
});

describe('failed attempts', () => {
  const stub = (subject: string) => env.THROTTLE.getByName(subject);

  it('of before count, and hold their wait', async () => {
    const now = Date.now();
    await putState(stub('username:of-before'), [
      [
        `CREATE TABLE span (one INTEGER PRIMARY KEY CHECK (one = 1), startedAt INTEGER NOT NULL,
           endsAt INTEGER NOT NULL, failures INTEGER NOT NULL)`,
      ],
      [
        `CREATE TABLE pairs (network TEXT PRIMARY KEY, startedAt INTEGER NOT NULL, endsAt INTEGER NOT NULL,
           failures INTEGER NOT NULL, blockedUntil INTEGER NOT NULL) WITHOUT ROWID`,
      ],
      ['CREATE TABLE known (network TEXT PRIMARY KEY, endsAt INTEGER NOT NULL) WITHOUT ROWID'],
      ['INSERT INTO span VALUES (1, ?, ?, 100)', now, now + 3_600_000],
      ['INSERT INTO pairs VALUES (?, ?, ?, 10, ?)', '10.0.0.1', now, now + 3_600_000, now + 60_000],
      ['INSERT INTO known VALUES (?, ?)', '10.0.0.1', now + 3_600_000],
      ['INSERT INTO known VALUES (?, ?)', '10.0.0.2', now + 3_600_000],
    ]);
    const object = objects.throttle('username:of-before');
    expect((await object.chargeUsername('10.0.0.1')).ok).toBe(false);
    expect((await object.chargeUsername('10.0.0.3')).ok).toBe(false);
    expect((await object.chargeUsername('10.0.0.2')).ok).toBe(true);
  });

  it('are counted by an object that a later release has changed', async () => {
    const object = objects.throttle('username:of-later');
    await object.chargeUsername('10.0.0.1');
    await pretendNewer(stub('username:of-later'));
    expect((await object.chargeUsername('10.0.0.1')).ok).toBe(true);
    expect(await rowsOf(stub('username:of-later'), 'span')).toMatchObject([{ failures: 2 }]);
  });
});
