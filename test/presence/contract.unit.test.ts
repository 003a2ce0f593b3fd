import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LONGEST_CHAIN,
  LONGEST_TIME_TO_LIVE,
  type Presence,
  presenceSchema,
} from '../../src/presence/contract.ts';
import { userIdsParameter } from '../../src/users/contract.ts';

/** What a body of this JSON is taken for, or the paths that are refused. */
function read(body: unknown): Presence | string[] {
  const parsed = presenceSchema.safeParse(typeof body === 'string' ? JSON.parse(body) : body);
  return parsed.success ? parsed.data : parsed.error.issues.map(issue => issue.path.join('.'));
}

const chainOf = (length: number): Presence =>
  length === 1
    ? { type: 'last', timeToLive: 0 }
    : { type: `${length}`, timeToLive: 1, expiresTo: chainOf(length - 1) };

describe('works', () => {
  it('takes a chain as it is', () => {
    const chain = { type: 'mitter.up.Online', timeToLive: 10, expiresTo: { type: 'Away', timeToLive: 0.5 } };
    expect(read(chain)).toEqual(chain);
  });

  it.each([{}, { timeToLive: null }, { timeToLive: 0 }])('takes %j for static', body => {
    expect(read({ type: 'Online', ...body })).toEqual({ type: 'Online', timeToLive: 0 });
  });

  it('takes null for no successor', () => {
    expect(read({ type: 'Online', timeToLive: 1, expiresTo: null })).toMatchObject({ expiresTo: null });
  });

  it('takes the longest time to live and the longest chain there may be', () => {
    expect(read({ type: 'a', timeToLive: LONGEST_TIME_TO_LIVE })).toMatchObject({ timeToLive: 315_360_000 });
    expect(LONGEST_CHAIN).toBe(16);
    expect(read(chainOf(16))).toEqual(chainOf(16));
  });

  it('S33 S36 drops unknown members at any depth, those a prototype might have too', () => {
    const body = `{"type":"a","setAt":1,"setTimeMs":1,"userId":"b","__proto__":{"timeToLive":5},"constructor":{"x":1},
      "expiresTo":{"type":"b","uid":2,"__proto__":{"expiresTo":{"type":"c"}}}}`;
    expect(read(body)).toEqual({ type: 'a', timeToLive: 0, expiresTo: { type: 'b', timeToLive: 0 } });
    expect(JSON.stringify(read(body))).not.toContain('__proto__');
    expect({}).not.toHaveProperty('timeToLive');
  });

  it('S37 takes or refuses any text whatever, and keeps what it takes but for NFC', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 101 }), fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(texts, type => {
        const taken = read({ type });
        if (Array.isArray(taken)) expect(taken).toEqual(['type']);
        else expect(taken.type).toBe(type.normalize('NFC'));
      }),
    );
  });

  it.each(['__proto__', 'constructor', "'; DROP TABLE presence; --", '漢字', '👩‍👩‍👧', 'x'.repeat(100), ' '])(
    'S37 takes the type %j',
    type => {
      expect(read({ type })).toMatchObject({ type });
    },
  );

  it('S37 takes a hundred characters, each of two code units', () => {
    expect(read({ type: '😀'.repeat(100) })).toMatchObject({ type: '😀'.repeat(100) });
  });

  it('reads one userId or a hundred, in order, as NFC, repeated ones too', () => {
    const ids = (userIds: string) => userIdsParameter.parse({ userIds }).userIds;
    expect(ids('ada-lovelace')).toEqual(['ada-lovelace']);
    expect(ids('me,b,a,me')).toEqual(['me', 'b', 'a', 'me']);
    expect(ids('e\u0301')).toEqual(['\u00e9']);
    expect(ids(Array(100).fill('a').join(','))).toHaveLength(100);
  });
});

describe('refuses', () => {
  it.each([
    ['no type', {}, 'type'],
    ['a type of null', { type: null }, 'type'],
    ['a type that is no text', { type: 1 }, 'type'],
    ['an empty type', { type: '' }, 'type'],
    ['a type of 101 characters', { type: 'x'.repeat(101) }, 'type'],
    ['control characters', { type: 'a\u0000b' }, 'type'],
    ['direction overrides', { type: 'a\u202eb' }, 'type'],
    ['invisible characters', { type: 'a\u200bb' }, 'type'],
    ['lone surrogates', { type: 'a\ud800' }, 'type'],
    ['a time before now', { type: 'a', timeToLive: -0.001 }, 'timeToLive'],
    ['a time past ten years', { type: 'a', timeToLive: LONGEST_TIME_TO_LIVE + 0.001 }, 'timeToLive'],
    ['a time in text', { type: 'a', timeToLive: '10' }, 'timeToLive'],
    ['a boolean time', { type: 'a', timeToLive: true }, 'timeToLive'],
    ['an endless time', '{"type":"a","timeToLive":1e400}', 'timeToLive'],
    ['a successor that is none', { type: 'a', expiresTo: 'b' }, 'expiresTo'],
    ['several successors', { type: 'a', expiresTo: [{ type: 'b' }] }, 'expiresTo'],
    ['a successor without a type', { type: 'a', expiresTo: {} }, 'expiresTo.type'],
    ['a fault far below', { type: 'a', expiresTo: { type: 'b', timeToLive: -1 } }, 'expiresTo.timeToLive'],
    ['a list', [], ''],
    ['a chain of 17', chainOf(17), ''],
  ])('%s', (_, body, path) => {
    expect(read(body)).toEqual([path]);
  });

  it.each(['', ',', 'a,', ',a', 'a,,b', Array(101).fill('a').join(',')])('%j for userIds', userIds => {
    expect(userIdsParameter.safeParse({ userIds }).success).toBe(false);
  });
});
