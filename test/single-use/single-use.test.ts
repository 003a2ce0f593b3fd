/** The objects that remember what is good once: issued and redeemed, spent, and forgotten in time. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { objects, tablesOf } from '../support/objects.ts';

afterEach(() => {
  vi.useRealTimers();
});

const stubOf = (name: string) => env.SINGLE_USE.getByName(name);
const objectOf = (name: string) => objects.singleUse(name);
const soon = () => Date.now() + 60_000;
const rowsOf = (name: string, table: string) =>
  runInDurableObject(stubOf(name) as never, (_, { storage }: DurableObjectState) =>
    storage.sql
      .exec(`SELECT key FROM ${table}`)
      .toArray()
      .map(row => row.key),
  );
const alarmOf = (name: string) =>
  runInDurableObject(stubOf(name) as never, (_, { storage }: DurableObjectState) => storage.getAlarm());

describe('works', () => {
  it('gives what was said of a key to the first who redeems it', async () => {
    const object = objectOf('redeemed');
    expect(await object.issue('a', 'said of a', soon())).toBe(true);
    expect(await object.issue('b', 'said of b', soon())).toBe(true);
    expect(await object.redeem('a')).toBe('said of a');
    expect(await object.redeem('a')).toBe(null);
    expect(await object.redeem('b')).toBe('said of b');
  });

  it('remembers across an eviction', async () => {
    await objectOf('evicted').issue('a', 'said of a', soon());
    await objectOf('evicted').spend('b', soon());
    await evictDurableObject(stubOf('evicted'));
    expect(await objectOf('evicted').redeem('a')).toBe('said of a');
    expect(await objectOf('evicted').spend('b', soon())).toBe(false);
  });

  it('forgets both kinds when their time has come, and wakes for the earliest', async () => {
    const object = objectOf('forgetting');
    const now = Date.now();
    await object.spend('spent late', now + 90_000);
    await object.issue('issued early', '', now + 30_000);
    expect(await alarmOf('forgetting')).toBe(now + 30_000);
    await object.spend('spent early', now + 20_000);
    expect(await alarmOf('forgetting')).toBe(now + 20_000);
    vi.useFakeTimers({ toFake: ['Date'], now: now + 30_000 });
    await runDurableObjectAlarm(stubOf('forgetting'));
    expect(await rowsOf('forgetting', 'issued')).toEqual([]);
    expect(await rowsOf('forgetting', 'spent')).toEqual(['spent late']);
    expect(await alarmOf('forgetting')).toBe(now + 90_000);
  });
});

describe('refuses', () => {
  it('a key that is issued already, and keeps what was said first', async () => {
    const object = objectOf('twice');
    await object.issue('a', 'first', soon());
    expect(await object.issue('a', 'second', soon())).toBe(false);
    expect(await object.redeem('a')).toBe('first');
  });

  it('a key past its time, though the alarm has not come', async () => {
    const until = Date.now() + 60_000;
    await objectOf('late').issue('a', '', until);
    await objectOf('late').issue('b', 'in time', until);
    vi.useFakeTimers({ toFake: ['Date'], now: until - 1 });
    expect(await objectOf('late').redeem('b')).toBe('in time');
    vi.setSystemTime(until);
    expect(await objectOf('late').redeem('a')).toBe(null);
  });
});

describe('keeps out', () => {
  it('49 of 50 who redeem one key', async () => {
    const object = objectOf('parallel');
    await object.issue('a', 'once', soon());
    const answers = await Promise.all(Array.from({ length: 50 }, () => object.redeem('a')));
    expect(answers.filter(answer => answer === 'once')).toHaveLength(1);
  });

  it('one kind from the other, and leaves nothing behind where nothing was issued', async () => {
    await objectOf('kinds').spend('a', soon());
    expect(await objectOf('kinds').redeem('a')).toBe(null);
    expect(await objectOf('nothing').redeem('a')).toBe(null);
    expect(await objectOf('nothing').isSpent('a')).toBe(false);
    expect(await tablesOf(stubOf('nothing'))).toEqual([]);
  });
});
