/** The objects that count failed attempts, asked as the Worker asks them. Date is moved by hand. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Deps } from '../../src/deps.ts';
import { KNOWN_LIFE_MS, PAIR_LIFE_MS } from '../../src/throttle/rules.ts';
import {
  type Charge,
  chargeAttempt,
  failAttempt,
  forgetUsername,
  noteSuccess,
  refundAttempt,
} from '../../src/throttle/service.ts';
import { objects, tablesOf } from '../support/objects.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

afterEach(() => {
  vi.useRealTimers();
});

const stubOf = (subject: string) => env.THROTTLE.getByName(subject);
const { throttle } = objects;
const deferred: Promise<unknown>[] = [];
const deps: Pick<Deps, 'throttle' | 'defer'> = {
  throttle,
  defer: work => deferred.push(work(deps as Deps)),
};
const settled = () => Promise.all(deferred.splice(0));

const attempt = (username: string, network: string) => chargeAttempt(deps, username, network);
const succeed = async (username: string, network: string) =>
  refundAttempt(deps, await attempt(username, network));
const allowedOf = (charges: readonly Charge[]) => charges.filter(charge => charge.allowed).length;
const times = <T>(count: number, make: (index: number) => T) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));
const moveClockTo = (now: number) => vi.useFakeTimers({ toFake: ['Date'], now });
const rowsOf = (subject: string, table: string) =>
  runInDurableObject(stubOf(subject) as never, (_, { storage }: DurableObjectState) =>
    storage.sql.exec(`SELECT * FROM ${table}`).toArray(),
  );
const alarmOf = (subject: string) =>
  runInDurableObject(stubOf(subject) as never, (_, { storage }: DurableObjectState) => storage.getAlarm());

describe('works', () => {
  it('lets the owner in at an address that succeeded before, while the username is attacked (S20)', async () => {
    await succeed('owner', '10.0.0.1');
    const attack = await times(200, index => attempt('owner', `10.1.0.${index}`));
    expect(allowedOf(attack)).toBe(100);
    expect((await attempt('owner', '10.2.0.1')).allowed).toBe(false);
    const home = await attempt('owner', '10.0.0.1');
    expect(home.allowed).toBe(true);
    await refundAttempt(deps, home);
    expect((await attempt('owner', '10.2.0.1')).allowed).toBe(false);
    expect((await attempt('OWNER', '10.0.0.1')).allowed).toBe(true);
  });

  it('counts a registration as the first success of its address', async () => {
    await noteSuccess(deps, 'newcomer', '10.0.0.2');
    await times(100, index => attempt('newcomer', `10.3.0.${index}`));
    expect((await attempt('newcomer', '10.3.1.1')).allowed).toBe(false);
    expect((await attempt('newcomer', '10.0.0.2')).allowed).toBe(true);
  });

  it('never makes a caller wait who succeeds, however often', async () => {
    for (let turn = 0; turn < 25; turn += 1) await succeed('regular', '10.0.0.3');
    expect((await attempt('regular', '10.0.0.3')).allowed).toBe(true);
    expect(await rowsOf('address:10.0.0.3', 'span')).toMatchObject([{ failures: 1 }]);
    expect(await rowsOf('username:regular', 'span')).toMatchObject([{ failures: 1 }]);
    expect(await rowsOf('username:regular', 'pairs')).toMatchObject([{ failures: 1 }]);
  });

  it('lets a pair try again when its wait is over, and waits longer after ten more', async () => {
    const now = Date.now();
    moveClockTo(now);
    await times(10, () => attempt('waiter', '10.0.0.4'));
    moveClockTo(now + MINUTE - 1);
    expect((await attempt('waiter', '10.0.0.4')).allowed).toBe(false);
    moveClockTo(now + MINUTE);
    expect(allowedOf(await times(20, () => attempt('waiter', '10.0.0.4')))).toBe(10);
    moveClockTo(now + 3 * MINUTE - 1);
    expect((await attempt('waiter', '10.0.0.4')).allowed).toBe(false);
    moveClockTo(now + 3 * MINUTE);
    expect((await attempt('waiter', '10.0.0.4')).allowed).toBe(true);
  });

  it('remembers failures and successes across an eviction', async () => {
    await succeed('evicted', '10.0.0.5');
    await times(10, () => attempt('evicted', '10.0.0.6'));
    await times(90, index => attempt('evicted', `10.4.0.${index}`));
    await evictDurableObject(stubOf('username:evicted'));
    expect((await attempt('evicted', '10.0.0.6')).allowed).toBe(false);
    expect((await attempt('evicted', '10.4.1.1')).allowed).toBe(false);
    expect((await attempt('evicted', '10.0.0.5')).allowed).toBe(true);
  });
});

describe('refuses', () => {
  it('all but ten of 1,000 parallel guesses from one address (S20)', async () => {
    const object = throttle('username:guessed');
    const answers = await times(1_000, () => object.chargeUsername('10.0.0.7'));
    expect(answers.filter(answer => answer.ok)).toHaveLength(10);
    const refusals = new Set(answers.map(answer => (answer.ok ? 'ok' : answer.code)));
    // Some waited for those ten to be judged, which never were.
    expect(refusals).toEqual(new Set(['ok', 'try_again', 'too_many_attempts']));
    expect(await rowsOf('username:guessed', 'span')).toMatchObject([{ failures: 10 }]);
  });

  it('all but ten of 1,000 parallel guesses also when both objects are asked, and charges ten (S20)', async () => {
    const charges = await times(1_000, () => attempt('stormed', '10.0.0.8'));
    await settled();
    expect(allowedOf(charges)).toBe(10);
    expect(await rowsOf('username:stormed', 'span')).toMatchObject([{ failures: 10 }]);
    expect(await rowsOf('address:10.0.0.8', 'span')).toMatchObject([{ failures: 10 }]);
  });

  it('the 301st failure of an address in an hour, over however many usernames (S20)', async () => {
    const now = Date.now();
    moveClockTo(now);
    expect(allowedOf(await times(301, index => attempt(`sprayed${index}`, '10.0.0.9')))).toBe(300);
    await settled();
    expect((await attempt('sprayed-too', '10.0.0.9')).allowed).toBe(false);
    await settled();
    expect(await tablesOf(stubOf('username:sprayed-too'))).toEqual([]);
    expect((await attempt('sprayed-too', '10.0.0.10')).allowed).toBe(true);
    moveClockTo(now + HOUR);
    expect((await attempt('sprayed-too', '10.0.0.9')).allowed).toBe(true);
  });

  it('without keeping anything of the refused', async () => {
    await times(100, index => attempt('kept', `10.5.0.${index}`));
    await times(50, index => attempt('kept', `10.6.0.${index}`));
    await settled();
    expect(await rowsOf('username:kept', 'pairs')).toHaveLength(100);
    expect(await rowsOf('address:10.6.0.1', 'span')).toMatchObject([{ failures: 0 }]);
  });
});

describe('keeps out', () => {
  it('a guesser beside the owner: the success gives back one charge and no more (S20)', async () => {
    await times(9, () => attempt('neighbour', '10.0.0.11'));
    await succeed('neighbour', '10.0.0.11');
    expect((await attempt('neighbour', '10.0.0.11')).allowed).toBe(true);
    expect((await attempt('neighbour', '10.0.0.11')).allowed).toBe(false);
  });

  it('whoever would have a charge given back that was refused, or that is long forgotten', async () => {
    const now = Date.now();
    moveClockTo(now);
    const old = await attempt('twice', '10.0.0.12');
    moveClockTo(now + DAY);
    await times(10, () => attempt('twice', '10.0.0.12'));
    await refundAttempt(deps, await attempt('twice', '10.0.0.12'));
    await refundAttempt(deps, old);
    await settled();
    expect(await rowsOf('username:twice', 'span')).toMatchObject([{ failures: 10 }]);
    expect(await rowsOf('address:10.0.0.12', 'span')).toMatchObject([{ failures: 10 }]);
    expect((await attempt('twice', '10.0.0.12')).allowed).toBe(false);
  });

  it('an address whose success is ninety days old, or older than a hundred others', async () => {
    const now = Date.now();
    moveClockTo(now);
    await noteSuccess(deps, 'moved', '10.0.0.13');
    moveClockTo(now + 1);
    for (let home = 0; home < 99; home += 1) await noteSuccess(deps, 'moved', `10.7.0.${home}`);
    expect(await rowsOf('username:moved', 'known')).toHaveLength(100);
    await times(100, index => attempt('moved', `10.8.0.${index}`));
    expect((await attempt('moved', '10.0.0.13')).allowed).toBe(true);
    await noteSuccess(deps, 'moved', '10.7.0.99');
    expect(await rowsOf('username:moved', 'known')).toHaveLength(100);
    expect((await attempt('moved', '10.0.0.13')).allowed).toBe(false);

    const full = now + KNOWN_LIFE_MS - HOUR;
    moveClockTo(full);
    await times(100, index => attempt('moved', `10.8.0.${index}`));
    moveClockTo(now + KNOWN_LIFE_MS);
    expect((await attempt('moved', '10.7.0.5')).allowed).toBe(true);
    moveClockTo(now + KNOWN_LIFE_MS + 1);
    expect((await attempt('moved', '10.7.0.5')).allowed).toBe(false);
  });
});

describe('attempts that are being judged', () => {
  const network = '10.0.1.1';
  const right = async (username: string) => {
    const charge = await attempt(username, network);
    await new Promise(resolve => setTimeout(resolve, 1));
    await refundAttempt(deps, charge);
    return charge.allowed;
  };

  it('let thirty right ones through, however many come at once', async () => {
    expect(await times(30, () => right('parallel'))).toEqual(Array.from({ length: 30 }, () => true));
    expect(await rowsOf('username:parallel', 'pairs')).toEqual([]);
    expect(await rowsOf('username:parallel', 'span')).toMatchObject([{ failures: 0 }]);
  });

  it('let right ones through one by one behind nine failures', async () => {
    for (let failed = 0; failed < 9; failed += 1)
      await failAttempt(deps, await attempt('behind-nine', network));
    expect(await times(5, () => right('behind-nine'))).toEqual([true, true, true, true, true]);
  });

  it('keep the others waiting, and then refuse them at once when the tenth has failed', async () => {
    const charges = await times(10, () => attempt('guessing', network));
    const next = attempt('guessing', network);
    for (const charge of charges) await failAttempt(deps, charge);
    expect(await next).toEqual({ allowed: false, busy: false });
  });

  it('are called neither right nor wrong where none is judged in time', async () => {
    await times(10, () => attempt('unjudged', network));
    expect(await attempt('unjudged', network)).toEqual({ allowed: false, busy: true });
    expect((await attempt('unjudged', '10.0.1.2')).allowed).toBe(true);
  });

  it('never let more than ten guesses be judged before the wait (S20)', async () => {
    let judged = 0;
    const guess = async () => {
      const charge = await attempt('guesser', network);
      if (!charge.allowed) return;
      judged += 1;
      await failAttempt(deps, charge);
    };
    await times(60, guess);
    expect(judged).toBe(10);
  });
});

describe('keeps out by the address alone', () => {
  it('a throttled one, and makes no object for the names it tries', async () => {
    await times(300, index => attempt(`l1-${index}`, '10.0.2.1'));
    await settled();
    const names = Array.from({ length: 20 }, (_, index) => `l1-more-${index}`);
    for (const name of names) expect((await attempt(name, '10.0.2.1')).allowed).toBe(false);
    for (const name of names) expect(await tablesOf(stubOf(`username:${name}`))).toEqual([]);
  });
});

describe('forgets', () => {
  it('by alarm, pair by pair, and leaves no table with the last of it', async () => {
    const now = Date.now();
    moveClockTo(now);
    await attempt('fading', '10.0.0.14');
    moveClockTo(now + 10);
    await attempt('fading', '10.0.0.15');
    expect(await alarmOf('username:fading')).toBe(now + PAIR_LIFE_MS);
    moveClockTo(now + PAIR_LIFE_MS);
    await runDurableObjectAlarm(stubOf('username:fading'));
    expect(await rowsOf('username:fading', 'pairs')).toMatchObject([{ network: '10.0.0.15' }]);
    expect(await alarmOf('username:fading')).toBe(now + 10 + PAIR_LIFE_MS);
    moveClockTo(now + DAY - 1);
    await runDurableObjectAlarm(stubOf('username:fading'));
    expect(await alarmOf('username:fading')).toBe(now + DAY);
    moveClockTo(now + DAY);
    await runDurableObjectAlarm(stubOf('username:fading'));
    expect(await tablesOf(stubOf('username:fading'))).toEqual([]);
    expect(await alarmOf('username:fading')).toBe(null);

    expect(await alarmOf('address:10.0.0.14')).toBe(now + HOUR);
    await runDurableObjectAlarm(stubOf('address:10.0.0.14'));
    expect(await tablesOf(stubOf('address:10.0.0.14'))).toEqual([]);
    expect((await attempt('fading', '10.0.0.14')).allowed).toBe(true);
  });

  it('a success after ninety days', async () => {
    const now = Date.now();
    moveClockTo(now);
    await noteSuccess(deps, 'gone', '10.0.0.16');
    expect(await alarmOf('username:gone')).toBe(now + KNOWN_LIFE_MS);
    moveClockTo(now + KNOWN_LIFE_MS);
    await runDurableObjectAlarm(stubOf('username:gone'));
    expect(await tablesOf(stubOf('username:gone'))).toEqual([]);
  });

  it('an erased username at once, its alarm too, and begins anew (S50)', async () => {
    await succeed('erased', '10.0.0.17');
    await times(100, index => attempt('erased', `10.9.0.${index}`));
    await forgetUsername(deps, 'Erased');
    expect(await tablesOf(stubOf('username:erased'))).toEqual([]);
    expect(await alarmOf('username:erased')).toBe(null);
    await times(100, index => attempt('erased', `10.9.0.${index}`));
    expect((await attempt('erased', '10.0.0.17')).allowed).toBe(false);
  });

  it('what was never there: a late refund leaves nothing behind', async () => {
    const now = Date.now();
    moveClockTo(now);
    const charge = await attempt('late', '10.0.0.18');
    if (!charge.allowed) throw new Error('refused');
    moveClockTo(now + DAY);
    for (const subject of ['username:late', 'address:10.0.0.18']) {
      await runDurableObjectAlarm(stubOf(subject));
    }
    await throttle('username:late').succeeded('10.0.0.18', charge.usernameAt);
    await throttle('username:late').failed('10.0.0.18', charge.usernameAt);
    await throttle('address:10.0.0.18').refundAddress(charge.addressAt);
    await throttle('username:never').succeeded('10.0.0.18', now);
    await throttle('username:never').failed('10.0.0.18', now);
    await forgetUsername(deps, 'never');
    for (const subject of ['username:late', 'address:10.0.0.18', 'username:never']) {
      expect(await tablesOf(stubOf(subject))).toEqual([]);
      expect(await alarmOf(subject)).toBe(null);
    }
  });
});
