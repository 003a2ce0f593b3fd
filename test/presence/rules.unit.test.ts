import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Presence } from '../../src/presence/contract.ts';
import { presenceAt } from '../../src/presence/rules.ts';

const NOW = 1_800_000_000_000;
const YEARS_MS = 20 * 31_536_000_000;

type Part = [type: string, timeToLive: number];

/** The parts as a chain, the first outermost. */
function chain(...[first, ...rest]: [Part, ...Part[]]): Presence {
  const [type, timeToLive] = first;
  const [next, ...others] = rest;
  return next ? { type, timeToLive, expiresTo: chain(next, ...others) } : { type, timeToLive };
}

/** What is in force so many milliseconds after the chain was set. */
const inForce = (ms: number, presence: Presence) => presenceAt({ presence, setAt: NOW }, NOW + ms);
const told = (ms: number, presence: Presence) => {
  const part = inForce(ms, presence);
  return part && [part.type, part.timeToLive];
};

/** The example of the contract. */
const day = chain(['Online', 10], ['Away', 10], ['Inactive', 10], ['Offline', 0]);

describe('a chain', () => {
  it.each([
    [0, 'Online', 10],
    [1, 'Online', 10],
    [999, 'Online', 10],
    [1_000, 'Online', 9],
    [8_999, 'Online', 2],
    [9_000, 'Online', 1],
    [9_999, 'Online', 1],
    [10_000, 'Away', 10],
    [10_001, 'Away', 10],
    [19_999, 'Away', 1],
    [20_000, 'Inactive', 10],
    [29_999, 'Inactive', 1],
    [30_000, 'Offline', 0],
    [30_001, 'Offline', 0],
    [YEARS_MS, 'Offline', 0],
  ])('is after %i ms: %s, for %i s', (ms, type, timeToLive) => {
    expect(told(ms, day)).toEqual([type, timeToLive]);
  });

  it('is shown with the rest as it was set, and is itself left alone', () => {
    const before = structuredClone(day);
    expect(inForce(12_345, day)).toEqual(chain(['Away', 8], ['Inactive', 10], ['Offline', 0]));
    expect(inForce(30_000, day)).toEqual({ type: 'Offline', timeToLive: 0 });
    expect(day).toEqual(before);
  });

  it('ends at the very instant its last part does', () => {
    const brief = chain(['Online', 1], ['Away', 2]);
    expect(told(2_999, brief)).toEqual(['Away', 1]);
    expect(inForce(3_000, brief)).toBe(null);
    expect(inForce(YEARS_MS, brief)).toBe(null);
    expect(inForce(1_000, { type: 'Online', timeToLive: 1 })).toBe(null);
  });

  it('takes null for no successor', () => {
    const alone = { type: 'Online', timeToLive: 1, expiresTo: null };
    expect(inForce(0, alone)).toEqual(alone);
    expect(inForce(1_000, alone)).toBe(null);
  });

  it('goes through sixteen parts, each at its own instant', () => {
    const parts = Array.from({ length: 16 }, (_, index): Part => [`part ${index}`, index + 1]);
    const sixteen = chain(...(parts as [Part, ...Part[]]));
    let startMs = 0;
    for (const [type, timeToLive] of parts) {
      expect(told(startMs, sixteen)).toEqual([type, timeToLive]);
      expect(told(startMs + timeToLive * 1_000 - 1, sixteen)).toEqual([type, 1]);
      startMs += timeToLive * 1_000;
    }
    expect(inForce(startMs, sixteen)).toBe(null);
  });

  it('loses no millisecond over sixteen parts of ten years', () => {
    const parts = Array.from({ length: 16 }, (_, index): Part => [`part ${index}`, 315_360_000]);
    const ages = chain(...(parts as [Part, ...Part[]]));
    expect(told(16 * 315_360_000_000 - 1, ages)).toEqual(['part 15', 1]);
    expect(inForce(16 * 315_360_000_000, ages)).toBe(null);
  });
});

describe('a static part', () => {
  it.each([0, 1, 2, 14, 15])('stays for ever at depth %i, and what it expires to never comes', depth => {
    const parts = Array.from({ length: 16 }, (_, index): Part => [`part ${index}`, index === depth ? 0 : 1]);
    const stuck = chain(...(parts as [Part, ...Part[]]));
    if (depth > 0) expect(told(depth * 1_000 - 1, stuck)).toEqual([`part ${depth - 1}`, 1]);
    expect(told(depth * 1_000, stuck)).toEqual([`part ${depth}`, 0]);
    expect(told(depth * 1_000 + YEARS_MS, stuck)).toEqual([`part ${depth}`, 0]);
  });

  it('is told from a part so short that it is over at once', () => {
    expect(told(0, chain(['blink', 0.0004], ['Online', 1]))).toEqual(['Online', 1]);
    expect(inForce(0, { type: 'blink', timeToLive: Number.MIN_VALUE })).toBe(null);
    expect(told(YEARS_MS, { type: 'Online', timeToLive: -0 })).toEqual(['Online', -0]);
  });
});

describe('a fraction of a second', () => {
  it.each([
    [0.001, 1],
    [0.5, 500],
    [1.001, 1_001],
    [1.005, 1_005],
    [4.35, 4_350],
    [8.2, 8_200],
    [16.1, 16_100],
  ])('of %d s lasts %i ms, and is never told as 0', (timeToLive, ms) => {
    const brief = chain(['Online', timeToLive], ['Away', 1]);
    expect(told(0, brief)).toEqual(['Online', Math.ceil(timeToLive)]);
    expect(told(ms - 1, brief)).toEqual(['Online', 1]);
    expect(told(ms, brief)).toEqual(['Away', 1]);
  });
});

describe('a clock', () => {
  it('that went backwards finds the chain just set', () => {
    for (const ms of [-1, -10_000, -YEARS_MS]) expect(inForce(ms, day)).toEqual(day);
  });

  it('that goes back and forth tells the same of the same instant', () => {
    expect(told(10_000, day)).toEqual(['Away', 10]);
    expect(told(9_999, day)).toEqual(['Online', 1]);
    expect(told(10_000, day)).toEqual(['Away', 10]);
  });
});

describe('a new set', () => {
  it('in the middle of a chain counts from its own instant, whatever was before', () => {
    const setAt = NOW + 12_345;
    const again = { presence: day, setAt };
    expect(presenceAt(again, setAt)).toEqual(day);
    expect(presenceAt(again, setAt + 9_999)).toMatchObject({ type: 'Online', timeToLive: 1 });
    expect(presenceAt(again, setAt + 10_000)).toMatchObject({ type: 'Away', timeToLive: 10 });
  });
});

/** The model knows no sums: a clock that ticks four times a second, and a part that counts its own ticks down. */
it('tells at every tick what a clock would that steps through the chain', () => {
  const TICK_MS = 250;
  const quarters = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 16 });
  fc.assert(
    fc.property(quarters, fc.integer({ min: 0, max: TICK_MS - 1 }), (lengths, betweenMs) => {
      const parts = lengths.map((length, index): Part => [`part ${index}`, (length * TICK_MS) / 1_000]);
      const presence = chain(...(parts as [Part, ...Part[]]));
      let current = 0;
      let ticksLeft = lengths[0] ?? 0;
      for (let tick = 0; tick < 16 * 12 + 8; tick += 1) {
        const shown = inForce(tick * TICK_MS + betweenMs, presence);
        if (current === parts.length) expect(shown).toBe(null);
        else {
          const left = ticksLeft === 0 ? 0 : Math.ceil((ticksLeft * TICK_MS - betweenMs) / 1_000);
          const [[type], ...rest] = parts.slice(current) as [Part, ...Part[]];
          expect(shown).toEqual(chain([type, left], ...rest));
        }
        if (ticksLeft === 0) continue;
        ticksLeft -= 1;
        if (ticksLeft === 0) {
          current += 1;
          ticksLeft = lengths[current] ?? 0;
        }
      }
    }),
    { numRuns: 300 },
  );
});
