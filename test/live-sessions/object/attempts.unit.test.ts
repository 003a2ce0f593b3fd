import { expect, it } from 'vitest';
import {
  type Attempts,
  chargeFailure,
  chargeFrom,
  chargeJoin,
  chargeNetwork,
  chargeSession,
  chargeStranger,
  noAttempts,
  noFailures,
  noNetworkFailures,
} from '../../../src/live-sessions/object/attempts.ts';
import { countChange, noChanges, settlesInMs } from '../../../src/live-sessions/object/member-changes.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

it('allows ten joins a minute, and ten more in the next', () => {
  let attempts: Attempts = noAttempts;
  for (let join = 0; join < 10; join += 1) {
    const charged = chargeJoin(attempts, NOW);
    if (!charged.ok) throw new Error(`refused join ${join}`);
    attempts = charged.value;
  }
  expect(chargeJoin(attempts, NOW + MINUTE - 1)).toMatchObject({ code: 'too_many_attempts' });
  expect(chargeJoin(attempts, NOW + MINUTE)).toMatchObject({ ok: true, value: { joins: 1 } });
});

it('makes every tenth wrong password cost a minute, doubling to fifteen', () => {
  let attempts: Attempts = noAttempts;
  const waits: number[] = [];
  for (let failure = 1; failure <= 60; failure += 1) {
    attempts = chargeFailure(attempts, NOW);
    if (failure % 10 === 0) waits.push((attempts.blockedUntil - NOW) / MINUTE);
    else expect(attempts.blockedUntil).toBe(NOW);
  }
  expect(waits).toEqual([1, 2, 4, 8, 15, 15]);
  expect(chargeJoin(attempts, attempts.blockedUntil - 1)).toMatchObject({ code: 'too_many_attempts' });
  expect(chargeJoin(attempts, attempts.blockedUntil).ok).toBe(true);
});

it('stops listening to strangers after a hundred wrong passwords a minute', () => {
  let failures = noFailures;
  for (let failure = 0; failure < 100; failure += 1) {
    expect(chargeStranger(failures, NOW).ok).toBe(true);
    failures = chargeSession(failures, NOW);
  }
  expect(chargeStranger(failures, NOW + MINUTE - 1)).toEqual({
    ok: false,
    code: 'too_many_attempts',
    retryAfterMs: 1,
  });
  expect(chargeStranger(failures, NOW + MINUTE).ok).toBe(true);
  expect(chargeSession(failures, NOW + MINUTE)).toEqual({ minuteAt: NOW + MINUTE, failures: 1 });
});

it('hears a network that has not failed for 15 minutes, whatever the others did', () => {
  const spent = { minuteAt: NOW, failures: 100 };
  expect(chargeFrom(noNetworkFailures, spent, NOW).ok).toBe(true);
  const failed = chargeNetwork(noNetworkFailures, NOW);
  expect(chargeFrom(failed, spent, NOW + 1)).toMatchObject({ code: 'too_many_attempts' });
  expect(chargeFrom(failed, noFailures, NOW + 1).ok).toBe(true);
  expect(chargeFrom(failed, { ...spent, minuteAt: NOW + 15 * MINUTE }, NOW + 15 * MINUTE - 1).ok).toBe(false);
  expect(chargeFrom(failed, { ...spent, minuteAt: NOW + 15 * MINUTE }, NOW + 15 * MINUTE).ok).toBe(true);
});

it('stops listening to a network after 20 wrong passwords a minute', () => {
  let network = noNetworkFailures;
  for (let failure = 0; failure < 20; failure += 1) {
    expect(chargeFrom(network, noFailures, NOW).ok).toBe(true);
    network = chargeNetwork(network, NOW);
  }
  expect(chargeFrom(network, noFailures, NOW + MINUTE - 1)).toMatchObject({ retryAfterMs: 1 });
  expect(chargeFrom(network, noFailures, NOW + MINUTE).ok).toBe(true);
});

it('names twenty changes a second and counts the rest', () => {
  let changes = noChanges;
  const tooMany: boolean[] = [];
  for (let change = 0; change < 25; change += 1) {
    const counted = countChange(changes, NOW + change);
    changes = counted.counted;
    tooMany.push(counted.tooMany);
  }
  expect(tooMany.filter(Boolean)).toHaveLength(5);
  expect(tooMany.indexOf(true)).toBe(20);
  expect(settlesInMs(changes, NOW + 25)).toBe(975);
  expect(countChange(changes, NOW + 1_000).tooMany).toBe(false);
});
