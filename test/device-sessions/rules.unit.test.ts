import { describe, expect, it } from 'vitest';
import type { DeviceSession } from '../../src/device-sessions/contract.ts';
import { endedByCopy } from '../../src/device-sessions/copy-rules.ts';
import { deadlinesOf, mayForget } from '../../src/device-sessions/deadline-rules.ts';
import type { Lineage } from '../../src/device-sessions/rotation.ts';
import {
  authenticate,
  continued,
  endOf,
  extended,
  lineageOf,
  MOST_DEVICE_SESSIONS,
  MOST_LIVE_SESSIONS,
  noteLiveSession,
  type OpeningFacts,
  open,
  refreshed,
  signedInAt,
  withoutOthers,
} from '../../src/device-sessions/rules.ts';
import { earliest } from '../../src/platform/alarm.ts';
import { retryAt } from '../../src/platform/outbox.ts';

const NOW = 1_800_000_000_000;
const lineage: Lineage = {
  id: 'first',
  signedInAt: NOW,
  absoluteEndAt: NOW + 1_000_000_000,
  idleEndAt: NOW + 1_000_000,
  current: { accessJti: 'a', refreshJti: 'r', kid: 'k', issuedAt: NOW },
  previousJti: null,
};
const session: DeviceSession = {
  id: 'one',
  deviceId: 'laptop',
  deviceInfo: {},
  ipAddress: null,
  openedBy: 'sdk',
  proof: 'userId',
  createdAt: NOW,
  lastUsedAt: NOW,
  accessMs: 1_000,
  credentialVersion: 1,
  idleMs: 1_000_000,
  lineages: [lineage],
};
const first = { version: 1, credentialVersion: 1, entry: 'closed' as const, keptSid: null, wallets: [] };
const facts: OpeningFacts = {
  held: first,
  offered: first,
  sessions: [],
  deviceId: 'laptop',
  openedBy: 'account',
  proof: 'password',
  ban: null,
  epoch: 0,
  authTokenEpoch: null,
};
const opening = (change: Partial<OpeningFacts>) => open({ ...facts, ...change }, NOW);
const alarmAt = (...facts: Parameters<typeof deadlinesOf>) => earliest(deadlinesOf(...facts));
/** The device session, its one sign-in changed. */
const signedIn = (change: Partial<Lineage>): DeviceSession => ({
  ...session,
  lineages: [{ ...lineage, ...change }],
});
const devices = (count: number): DeviceSession[] =>
  Array.from({ length: count }, (_, index) => ({
    ...session,
    id: `s${index}`,
    deviceId: `d${index}`,
    proof: 'password',
  }));

it('ends a device session at the earlier of its two ends, to the millisecond', () => {
  expect(endOf(session)).toBe(NOW + 1_000_000);
  expect(endOf(signedIn({ idleEndAt: null }))).toBe(NOW + 1_000_000_000);
  expect(authenticate(session, { jti: 'a' }, NOW + 999_999).ok).toBe(true);
  expect(authenticate(session, { jti: 'a' }, NOW + 1_000_000)).toMatchObject({ code: 'session_ended' });
  expect(authenticate(null, { jti: 'a' }, NOW)).toMatchObject({ code: 'session_ended' });
});

it('notes its use at most every ten minutes', () => {
  expect(authenticate(session, { jti: 'a' }, NOW + 599_999)).toMatchObject({ value: { touch: false } });
  expect(authenticate(session, { jti: 'a' }, NOW + 600_000)).toMatchObject({ value: { touch: true } });
});

it('ends the earlier session of the same device', () => {
  const sessions = [...devices(2), { ...session, id: 'old', proof: 'password' as const }];
  expect(opening({ sessions })).toEqual({
    ok: true,
    value: { continuing: null, ending: [{ id: 'old', cause: 'replaced' }] },
  });
});

it('ends the oldest beyond the cap, and none before', () => {
  expect(opening({ sessions: devices(MOST_DEVICE_SESSIONS - 1) })).toMatchObject({
    value: { ending: [] },
  });
  expect(opening({ sessions: devices(MOST_DEVICE_SESSIONS) })).toMatchObject({
    value: { ending: [{ id: 's0', cause: 'too_many' }] },
  });
});

it('refuses a sign-in that read an older record than is known', () => {
  const held = { ...first, version: 5, credentialVersion: 2 };
  expect(opening({ held, offered: { ...first, version: 4, credentialVersion: 2 } })).toMatchObject({
    code: 'stale_record',
  });
  expect(opening({ held, offered: { ...first, version: 6, credentialVersion: 1 } })).toMatchObject({
    code: 'stale_record',
  });
  expect(opening({ held, offered: held }).ok).toBe(true);
  expect(opening({ held: null }).ok).toBe(true);
});

it('notes at most twenty live sessions, and a noted one any number of times', () => {
  const noted = Array.from({ length: MOST_LIVE_SESSIONS }, (_, index) => `live${index}`);
  expect(noteLiveSession(noted.slice(1), 'another').ok).toBe(true);
  expect(noteLiveSession(noted, 'another')).toMatchObject({ code: 'too_many_live_sessions' });
  expect(noteLiveSession(noted, 'live3').ok).toBe(true);
});

it('tells again after 2 s, doubling to 5 minutes', () => {
  expect([0, 1, 2, 7, 8, 30].map(attempts => retryAt(attempts, 0))).toEqual([
    2_000, 4_000, 8_000, 256_000, 300_000, 300_000,
  ]);
});

it('sets the alarm to the earliest of ends and deliveries', () => {
  expect(alarmAt([], null, null)).toBe(null);
  expect(alarmAt([session, signedIn({ idleEndAt: NOW + 5 })], NOW + 9, null)).toBe(NOW + 5);
  expect(alarmAt([session], NOW + 9, null)).toBe(NOW + 9);
});

it('wakes once more for an erased user, to forget even that', () => {
  expect(alarmAt([], NOW + 9, NOW)).toBe(NOW + 9);
  expect(alarmAt([], null, NOW)).toBe(NOW + 900_000);
  expect(mayForget(NOW, NOW + 899_999)).toBe(false);
  expect(mayForget(NOW, NOW + 900_000)).toBe(true);
});

it('refuses a banned user until the exact end of the ban', () => {
  const ban = { reason: null, until: NOW + 1_000 };
  expect(open({ ...facts, ban }, NOW + 999)).toMatchObject({ code: 'banned' });
  expect(open({ ...facts, ban }, NOW + 1_000).ok).toBe(true);
  expect(open({ ...facts, ban: { reason: null, until: null } }, Number.MAX_SAFE_INTEGER)).toMatchObject({
    code: 'banned',
  });
});

it('ends what a bare userId opened once the entry is closed, and nothing else', () => {
  const standing = (['userId', 'authToken', 'password', 'wallet', 'token'] as const).map(proof => ({
    id: proof,
    proof,
    credentialVersion: 1,
  }));
  expect(endedByCopy({ ...first, entry: 'open' }, standing)).toEqual([]);
  expect(endedByCopy(first, standing)).toEqual([{ id: 'userId', cause: 'closed' }]);
});

it('ends what rests on earlier credentials once there are new ones, but for the one that gave them', () => {
  const outdated = (id: string) => ({ id, cause: 'password_changed' });
  const sessions = devices(3).map((device, index) => ({ ...device, credentialVersion: index + 1 }));
  expect(endedByCopy({ ...first, credentialVersion: 3 }, sessions)).toEqual([outdated('s0'), outdated('s1')]);
  expect(endedByCopy({ ...first, credentialVersion: 3, keptSid: 's1' }, sessions)).toEqual([outdated('s0')]);
  expect(opening({ offered: { ...first, credentialVersion: 2 }, sessions })).toMatchObject({
    value: { ending: [outdated('s0')] },
  });
});

describe('an issued token', () => {
  const DAY_MS = 86_400_000;
  const issued = {
    ...session,
    openedBy: 'directory',
    proof: 'token',
    issuedForMs: DAY_MS,
    idleMs: null,
    lineages: [{ ...lineage, idleEndAt: null }] as [Lineage],
  } as const;
  const stamp = { accessJti: 'b', refreshJti: 's', kid: 'k', issuedAt: NOW };
  const extend = (ttlMs: number, bySystem: boolean, now = NOW) =>
    extended(issued, { ttlMs, bySystem }, stamp, now);

  it('ends so long from now, under a new stamp, and stays what it was otherwise', () => {
    const { lineages, accessMs, ...rest } = issued;
    expect(extend(5_000, true, NOW + 10)).toEqual({
      ok: true,
      value: {
        ...rest,
        accessMs: 5_000,
        lastUsedAt: NOW + 10,
        lineages: [{ ...lineages[0], absoluteEndAt: NOW + 5_010, current: stamp, previousJti: null }],
      },
    });
    expect([lineages[0].current, accessMs]).not.toContain(stamp);
  });

  it('is extended by its user by what it was issued for, to the millisecond, however short it was made since', () => {
    expect(extend(DAY_MS, false).ok).toBe(true);
    expect(extend(DAY_MS + 1, false)).toMatchObject({ code: 'missing_privilege' });
    expect(extend(DAY_MS + 1, true).ok).toBe(true);
    const shortened = extend(60_000, false);
    if (!shortened.ok) throw new Error(shortened.code);
    expect(extended(shortened.value, { ttlMs: DAY_MS, bySystem: false }, stamp, NOW).ok).toBe(true);
  });

  it('never lives past a year from its creation, by whomever', () => {
    expect(extend(DAY_MS, true, NOW + 364 * DAY_MS).ok).toBe(true);
    for (const bySystem of [true, false]) {
      expect(extend(DAY_MS, bySystem, NOW + 364 * DAY_MS + 1)).toMatchObject({ code: 'token_life_exceeded' });
    }
  });

  it('is none that another surface opened', () => {
    const other = { ...issued, issuedForMs: undefined } as unknown as DeviceSession;
    expect(extended(other, { ttlMs: 1, bySystem: true }, stamp, NOW)).toMatchObject({
      code: 'token_not_extendable',
    });
  });
});

it('takes only the last token made of those that are issued to be handed on', () => {
  const replaced = { jti: 'earlier' };
  expect(authenticate(session, replaced, NOW).ok).toBe(true);
  expect(authenticate({ ...session, openedBy: 'directory' }, replaced, NOW)).toMatchObject({
    code: 'session_ended',
  });
  expect(authenticate({ ...session, openedBy: 'directory' }, { jti: 'a' }, NOW).ok).toBe(true);
});

it('moves the idle end at a refresh, and the absolute end never', () => {
  const [later] = refreshed(session, lineage, NOW + 999_999).lineages;
  expect(later).toMatchObject({ idleEndAt: NOW + 1_999_999, absoluteEndAt: lineage.absoluteEndAt });
  const [endless] = refreshed({ ...signedIn({ idleEndAt: null }), idleMs: null }, lineage, NOW).lineages;
  expect(endless.idleEndAt).toBe(null);
});

it('counts only what stands toward the cap, and ends what is over instead of what lives', () => {
  const over = { ...signedIn({ absoluteEndAt: NOW }), id: 'over', deviceId: 'elsewhere' };
  const sessions = [...devices(MOST_DEVICE_SESSIONS - 1), over];
  expect(opening({ sessions })).toMatchObject({ value: { ending: [{ id: 'over', cause: 'expired' }] } });
});

it('ends what a bare userId opened when a sign-in brings the news that the entry is closed', () => {
  const bare = { ...session, id: 'bare', deviceId: 'elsewhere' };
  expect(opening({ sessions: [bare] })).toMatchObject({
    value: { ending: [{ id: 'bare', cause: 'closed' }] },
  });
  expect(opening({ sessions: [bare], offered: { ...first, entry: 'open' } })).toMatchObject({
    value: { ending: [] },
  });
});

describe('a device that signs in again', () => {
  const bySdk = { openedBy: 'sdk', proof: 'userId', offered: { ...first, entry: 'open' } } as const;
  const renewed = (id: string, now = NOW): Lineage => ({ ...lineage, id, signedInAt: now });
  const given = { deviceInfo: {}, ipAddress: null, accessMs: 1_000, idleMs: 1_000_000 };

  it('continues the session of the same surface and kind of proof, at the cap as well', () => {
    const sessions = [session, ...devices(MOST_DEVICE_SESSIONS - 1)];
    expect(opening({ ...bySdk, sessions })).toMatchObject({ value: { continuing: 'one', ending: [] } });
    for (const openedBy of ['account', 'directory', 'wallet'] as const)
      expect(opening({ ...bySdk, openedBy, sessions: [session] })).toMatchObject({
        value: { continuing: null, ending: [{ id: 'one', cause: 'replaced' }] },
      });
  });

  it('ends the session of another proof, unless it proves less', () => {
    const vouched: DeviceSession = { ...session, id: 'vouched', proof: 'authToken' };
    const sessions = [session, vouched];
    expect(opening({ ...bySdk, proof: 'authToken', sessions })).toMatchObject({
      value: { continuing: 'vouched', ending: [{ id: 'one', cause: 'replaced' }] },
    });
    expect(opening({ ...bySdk, sessions })).toMatchObject({ value: { continuing: 'one', ending: [] } });
  });

  it('never continues a session that is over, or that the record ends', () => {
    const over = signedIn({ absoluteEndAt: NOW });
    expect(opening({ ...bySdk, sessions: [over] })).toMatchObject({
      value: { continuing: null, ending: [{ id: 'one', cause: 'expired' }] },
    });
    const offered = { ...bySdk.offered, credentialVersion: 2 };
    expect(opening({ ...bySdk, offered, sessions: [session] })).toMatchObject({
      value: { continuing: null, ending: [{ id: 'one', cause: 'password_changed' }] },
    });
  });

  it('ends the session that was used longest ago beyond the cap, not the one opened first', () => {
    const [oldest, ...others] = devices(MOST_DEVICE_SESSIONS);
    const sessions = [{ ...(oldest as DeviceSession), lastUsedAt: NOW + 1 }, ...others];
    expect(opening({ sessions })).toMatchObject({ value: { ending: [{ id: 's1', cause: 'too_many' }] } });
  });

  it('keeps ten sign-ins: the one that signed in longest ago goes, however often it was refreshed', () => {
    let many = session;
    for (let turn = 2; turn <= 12; turn += 1) {
      many = continued(many, given, renewed(`lin${turn}`, NOW + turn), NOW + turn);
      many = refreshed(many, many.lineages[0], NOW + turn);
    }
    expect(many.lineages.map(({ id }) => id)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(n => `lin${n}`));
  });

  it('lives as long as its longest sign-in, and forgets those that ran out', () => {
    const later = NOW + 1_500_000;
    const second = { ...renewed('second', NOW + 900_000), idleEndAt: NOW + 1_900_000 };
    const both = continued(session, given, second, NOW + 900_000);
    expect(endOf(both)).toBe(NOW + 1_900_000);
    expect(lineageOf(both, { lin: 'first' }, later)).toBe(null);
    expect(lineageOf(both, { lin: 'second' }, later)).toEqual(second);
    expect(continued(both, given, renewed('third'), later).lineages.map(({ id }) => id)).toEqual([
      'second',
      'third',
    ]);
  });

  it('is as fresh as the sign-in of the token that is presented', () => {
    const second = renewed('second', NOW + 600_000);
    const both = continued(session, given, second, NOW + 600_000);
    const at = (lin?: string, auth_time?: number) => signedInAt(both, { lin, auth_time });
    expect([at('first', 1), at('second', 1), at('pushed out', 5)]).toEqual([NOW, NOW + 600_000, 5_000]);
    expect([at('first'), at(undefined, 1), at()]).toEqual(Array(3).fill(Number.NEGATIVE_INFINITY));
  });

  it('goes on without the other sign-ins of its device, also those that were pushed out', () => {
    const both = continued(session, given, renewed('second', NOW + 1_000), NOW + 1_000);
    const asking = { sid: 'one', jti: 'x', lin: 'second', auth_time: (NOW + 1_000) / 1_000 };
    const alone = withoutOthers(both, asking, NOW + 2_000);
    const stands = (lin: string, at: number) =>
      authenticate(alone, { jti: 'x', lin, auth_time: at / 1_000 }, NOW + 2_000).ok;
    expect(stands('second', NOW + 1_000)).toBe(true);
    expect(stands('first', NOW)).toBe(false);
    expect(stands('pushed out', NOW + 1_000)).toBe(false);
    expect(authenticate(alone, { jti: 'x' }, NOW + 2_000).ok).toBe(false);
    expect(stands('of later', NOW + 3_000)).toBe(true);
  });
});
