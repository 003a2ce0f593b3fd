import { expect, it } from 'vitest';
import { makeExpiringMap } from '../../src/platform/expiring-map.ts';

it('keeps an entry for its life and no longer, whichever way the clock jumps', () => {
  const map = makeExpiringMap<string, number>(60, 10);
  map.set('a', 1, 1_000);
  expect([map.get('a', 1_059), map.get('a', 1_060), map.get('a', 941), map.get('a', 940)]).toEqual([
    1,
    undefined,
    1,
    undefined,
  ]);
});

it('forgets everything before it grows beyond its bound', () => {
  const map = makeExpiringMap<number, number>(60, 2);
  for (const key of [1, 2, 3]) map.set(key, key, 0);
  expect([map.get(1, 0), map.get(2, 0), map.get(3, 0)]).toEqual([undefined, undefined, 3]);
});

it('forgets what it is told to', () => {
  const map = makeExpiringMap<string, number>(60, 2);
  map.set('a', 1, 0);
  map.delete('a');
  expect(map.get('a', 0)).toBe(undefined);
});
