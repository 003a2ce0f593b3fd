import { describe, expect, it } from 'vitest';
import {
  addressSubject,
  chargeAddress,
  chargeUsername,
  failPair,
  PAIR_LIFE_MS,
  type Pair,
  PENDING_LIFE_MS,
  refundPair,
  refundWindow,
  usernameSubject,
  type Window,
  waitAfter,
} from '../../src/throttle/rules.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const refused = { ok: false, code: 'too_many_attempts' };

const pairOf = (failures: number, more: Partial<Pair> = {}): Pair => ({
  startedAt: NOW,
  endsAt: NOW + PAIR_LIFE_MS,
  failures,
  blockedUntil: 0,
  pending: [],
  ...more,
});
const windowOf = (failures: number, spanMs: number): Window => ({
  startedAt: NOW,
  endsAt: NOW + spanMs,
  failures,
});
const nothing = { pair: null, day: null, known: false };

describe('failures of one address on one username (S20)', () => {
  it('cost a minute by the ten, doubling to fifteen, and nothing in between', () => {
    const waits = Array.from({ length: 71 }, (_, failures) => waitAfter(failures) / MINUTE);
    expect(waits.filter(Boolean)).toEqual([1, 2, 4, 8, 15, 15, 15]);
    for (const tenth of [10, 20, 30, 40, 50, 60, 70]) expect(waits[tenth]).toBeGreaterThan(0);
    expect(waitAfter(10_000_000)).toBe(15 * MINUTE);
  });

  it('let ten attempts through, and the eleventh when the minute is over to the millisecond', () => {
    let facts: { pair: Pair | null; day: Window | null; known: boolean } = nothing;
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      const charged = chargeUsername(facts, NOW);
      if (!charged.ok) throw new Error(`refused attempt ${attempt}`);
      const { pair, day } = charged.value;
      facts = { pair: failPair(pair, NOW, NOW), day, known: false };
    }
    expect(chargeUsername(facts, NOW)).toEqual(refused);
    expect(chargeUsername(facts, NOW + MINUTE - 1)).toEqual(refused);
    expect(chargeUsername(facts, NOW + MINUTE)).toMatchObject({
      ok: true,
      value: { pair: { failures: 11 }, day: { failures: 11 } },
    });
  });

  it('are forgotten half an hour after the last one, not a millisecond before', () => {
    const facts = { ...nothing, pair: pairOf(9) };
    const early = chargeUsername(facts, NOW + PAIR_LIFE_MS - 1);
    expect(early).toMatchObject({ value: { pair: { failures: 10, startedAt: NOW } } });
    const late = chargeUsername(facts, NOW + PAIR_LIFE_MS);
    expect(late).toMatchObject({
      value: { pair: { failures: 1, startedAt: NOW + PAIR_LIFE_MS, endsAt: NOW + 2 * PAIR_LIFE_MS } },
    });
  });

  it('hold a known address, too', () => {
    const pair = pairOf(10, { blockedUntil: NOW + MINUTE });
    expect(chargeUsername({ pair, day: null, known: true }, NOW)).toEqual(refused);
  });
});

describe('attempts that are being judged (S20)', () => {
  const busy = { ok: false, code: 'try_again' };
  const charge = (pair: Pair | null, now = NOW) => {
    const charged = chargeUsername({ pair, day: null, known: true }, now);
    if (!charged.ok) throw new Error(charged.code);
    return charged.value.pair;
  };
  const chargeMany = (pair: Pair | null, count: number, now = NOW): Pair =>
    Array.from({ length: count }).reduce<Pair>(before => charge(before, now), charge(pair, now));
  const asked = (pair: Pair, now = NOW) => chargeUsername({ pair, day: null, known: true }, now);

  it('are ten at most, and called neither right nor wrong beyond', () => {
    const ten = chargeMany(null, 9);
    expect(ten).toMatchObject({ failures: 10, blockedUntil: 0 });
    expect(ten.pending).toHaveLength(10);
    expect(asked(ten)).toEqual(busy);
    expect(asked(refundPair(ten, NOW)).ok).toBe(true);
  });

  it('are never more than may fail before the next wait', () => {
    const seven = pairOf(7);
    const full = chargeMany(seven, 2);
    expect(full.pending).toHaveLength(3);
    expect(asked(full)).toEqual(busy);
    const [judged, more] = [failPair(full, NOW, NOW), chargeMany(pairOf(13), 6)];
    expect(asked(judged)).toEqual(busy);
    expect(more.pending).toHaveLength(7);
    expect(asked(more)).toEqual(busy);
  });

  it('make the address wait once ten of them have failed, and not before', () => {
    let pair = chargeMany(null, 9);
    for (let failed = 1; failed <= 9; failed += 1) pair = failPair(pair, NOW, NOW + 5);
    expect(asked(pair, NOW + 5)).toEqual(busy);
    pair = failPair(pair, NOW, NOW + 5);
    expect(pair).toMatchObject({ failures: 10, pending: [], blockedUntil: NOW + 5 + MINUTE });
    expect(asked(pair, NOW + 5)).toEqual(refused);
  });

  it('leave nothing where all of them succeed', () => {
    let pair = chargeMany(null, 9);
    for (let done = 0; done < 10; done += 1) pair = refundPair(pair, NOW);
    expect(pair).toMatchObject({ failures: 0, pending: [], blockedUntil: 0 });
  });

  it('have failed when they were charged, if half a minute later they are not judged', () => {
    const ten = chargeMany(null, 9);
    expect(asked(ten, NOW + PENDING_LIFE_MS - 1)).toEqual(busy);
    expect(asked(ten, NOW + PENDING_LIFE_MS)).toEqual(refused);
    expect(asked(ten, NOW + MINUTE - 1)).toEqual(refused);
    expect(asked(ten, NOW + MINUTE)).toMatchObject({ value: { pair: { failures: 11 } } });
  });

  it('are judged once: a second word on one, or on one that is forgotten, changes nothing', () => {
    const failed = failPair(chargeMany(null, 0), NOW, NOW);
    expect(failPair(failed, NOW, NOW)).toEqual(failed);
    expect(failPair(pairOf(9), NOW, NOW)).toEqual(pairOf(9));
  });

  it('wait behind a wait that is over as behind none', () => {
    const over = pairOf(10, { blockedUntil: NOW });
    expect(asked(chargeMany(over, 9))).toEqual(busy);
  });
});

describe('failures on one username in a day (S20)', () => {
  it('end with the hundredth for unknown addresses, and begin anew a day after the first', () => {
    expect(chargeUsername({ ...nothing, day: windowOf(99, DAY) }, NOW).ok).toBe(true);
    const full = { ...nothing, day: windowOf(100, DAY) };
    expect(chargeUsername(full, NOW)).toEqual(refused);
    expect(chargeUsername(full, NOW + DAY - 1)).toEqual(refused);
    expect(chargeUsername(full, NOW + DAY)).toMatchObject({
      value: { day: { startedAt: NOW + DAY, endsAt: NOW + 2 * DAY, failures: 1 } },
    });
  });

  it('do not end for an address that had a success', () => {
    const charged = chargeUsername({ pair: null, day: windowOf(100, DAY), known: true }, NOW);
    expect(charged).toMatchObject({ ok: true, value: { day: { failures: 101 } } });
  });
});

describe('failures of one address in an hour (S20)', () => {
  it('end with the three-hundredth, and begin anew an hour after the first', () => {
    expect(chargeAddress(null, NOW)).toEqual({ ok: true, value: windowOf(1, HOUR) });
    expect(chargeAddress(windowOf(299, HOUR), NOW)).toEqual({ ok: true, value: windowOf(300, HOUR) });
    expect(chargeAddress(windowOf(300, HOUR), NOW)).toEqual(refused);
    expect(chargeAddress(windowOf(300, HOUR), NOW + HOUR - 1)).toEqual(refused);
    expect(chargeAddress(windowOf(300, HOUR), NOW + HOUR)).toMatchObject({ value: { failures: 1 } });
  });

  it('are counted from the first failure, not from a success before it', () => {
    expect(chargeAddress(windowOf(0, HOUR), NOW + 5)).toMatchObject({ value: { startedAt: NOW + 5 } });
    expect(chargeAddress(windowOf(1, HOUR), NOW + 5)).toMatchObject({ value: { startedAt: NOW } });
  });
});

describe('a refund', () => {
  it('takes one charge back and clears nothing else', () => {
    expect(refundWindow(windowOf(7, DAY), NOW)).toEqual(windowOf(6, DAY));
    expect(refundPair(pairOf(7), NOW + 1)).toEqual(pairOf(6));
    const waited = pairOf(12, { blockedUntil: NOW + MINUTE });
    expect(refundPair(waited, NOW)).toEqual({ ...waited, failures: 11 });
  });

  it('of the tenth charge ends the wait that ten failures would have cost', () => {
    const pair = pairOf(10, { blockedUntil: NOW + MINUTE });
    expect(refundPair(pair, NOW)).toEqual(pairOf(9));
  });

  it('never goes below zero, and never reaches a window begun after the charge', () => {
    expect(refundWindow(windowOf(0, DAY), NOW)).toEqual(windowOf(0, DAY));
    expect(refundWindow(windowOf(5, DAY), NOW - 1)).toEqual(windowOf(5, DAY));
    const blocked = pairOf(10, { blockedUntil: NOW + MINUTE });
    expect(refundPair(blocked, NOW - 1)).toEqual(blocked);
    expect(refundPair(pairOf(0), NOW)).toEqual(pairOf(0));
  });
});

it('names one object by a username however it is written, and another by an address', () => {
  expect(usernameSubject('Ada')).toBe('username:ada');
  expect(usernameSubject('#42')).toBe('username:#42');
  expect(usernameSubject('x'.repeat(10_000)).length).toBeLessThan(100);
  expect(addressSubject('2001:db8:0:0::/64')).toBe('address:2001:db8:0:0::/64');
});
