import { describe, expect, it } from 'vitest';
import { GRACE_MS, type Pair, rotate, type TokenStamp } from '../../src/device-sessions/rotation.ts';

const NOW = 1_800_000_000_000;
const stamp = (refreshJti: string, issuedAt = NOW): TokenStamp => ({
  accessJti: `a-${refreshJti}`,
  refreshJti,
  kid: 'k',
  issuedAt,
});

/** A lineage that went through these refresh tokens; the last is in force since NOW. */
function lineageOf(...jtis: string[]): Pair {
  return { current: stamp(jtis.at(-1) ?? ''), previousJti: jtis.at(-2) ?? null };
}

const next = stamp('next');

describe.each([
  ['the first token', lineageOf('a'), 'a', 0, 'rotate'],
  ['the token in force', lineageOf('a', 'b'), 'b', 0, 'rotate'],
  ['the token in force, long after', lineageOf('a', 'b'), 'b', 9 * GRACE_MS, 'rotate'],
  ['a recent parent: a lost response, a second tab', lineageOf('a', 'b'), 'a', 0, 'repeat'],
  ['a parent at the end of the grace', lineageOf('a', 'b'), 'a', GRACE_MS, 'repeat'],
  ['a parent a millisecond later', lineageOf('a', 'b'), 'a', GRACE_MS + 1, 'reused'],
  ['a parent while the clock goes backward', lineageOf('a', 'b'), 'a', -5_000, 'repeat'],
  ['a grandparent at once', lineageOf('a', 'b', 'c'), 'a', 0, 'reused'],
  ['an orphaned branch', lineageOf('a', 'b', 'c'), 'x', 0, 'reused'],
  ['a stale lineage', lineageOf('a', 'b', 'c', 'd'), 'b', 9 * GRACE_MS, 'reused'],
  ['an access token of the pair', lineageOf('a', 'b'), 'a-b', 0, 'reused'],
])('%s', (_, lineage, presented, afterMs, kind) => {
  it(`is answered: ${kind}`, () => {
    expect(rotate(lineage, presented, next, NOW + afterMs).kind).toBe(kind);
  });
});

it('makes the presented token the parent of the next', () => {
  const rotation = rotate(lineageOf('a', 'b'), 'b', next, NOW);
  expect(rotation).toEqual({ kind: 'rotate', lineage: { current: next, previousJti: 'b' } });
});

it('leaves one lineage to any number of concurrent uses', () => {
  let lineage = lineageOf('a');
  const kinds = Array.from({ length: 50 }, (_, use) => {
    const rotation = rotate(lineage, 'a', stamp(`next-${use}`, NOW + use), NOW + use);
    if (rotation.kind === 'rotate') lineage = rotation.lineage;
    return rotation.kind;
  });
  expect(kinds.filter(kind => kind === 'rotate')).toHaveLength(1);
  expect(new Set(kinds.slice(1))).toEqual(new Set(['repeat']));
  expect(lineage.current.refreshJti).toBe('next-0');
});
