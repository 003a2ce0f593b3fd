/** I17: who counts as gone, and what becomes of a silent host's role: at the exact instants. */
import { describe, expect, it } from 'vitest';
import {
  awayHostOf,
  claimAfterRemoval,
  endClaim,
  passRole,
  takeRoleBack,
} from '../../../src/live-sessions/object/away-rules.ts';
import { changeRules, handOver, kick } from '../../../src/live-sessions/object/host-rules.ts';
import { open, remove, type Session } from '../../../src/live-sessions/object/lifetime-rules.ts';
import {
  callMatters,
  GUEST_GONE_MS,
  GUEST_UNHEARD_MS,
  type Presence,
  roleEndsAt,
  SILENT_MS,
  seatEndsAt,
  silentAt,
} from '../../../src/live-sessions/object/silence-rules.ts';

const NOW = 1_800_000_000_000;
const [ada, bob, cy] = ['ada', 'bob', 'cy'].map((id, index) => ({ subject: String(index + 1), id })) as [
  { subject: string; id: string },
  { subject: string; id: string },
  { subject: string; id: string },
];
const rules = {
  capacity: 5,
  expiryMs: 3_600_000,
  password: null,
  allowOnlyListed: false,
  allowGuests: false,
  memberTimeoutMs: 0,
  maxFiles: 0,
  maxTotalMegaBytes: 0,
};
const { session, state: opened } = open(ada, rules, NOW);
const state = { ...opened, userCount: 3 };
const offline: Presence = { online: false, seenAt: NOW, lostAt: NOW, uploading: false, guest: false };
const guest = { ...offline, guest: true };

describe('a socket', () => {
  it('is due 90 s after the last ping or frame, and never without a ping', () => {
    expect(silentAt({ pingedAt: NOW, heardAt: null })).toBe(NOW + 90_000);
    expect(silentAt({ pingedAt: NOW, heardAt: NOW + 5 })).toBe(NOW + 5 + SILENT_MS);
    expect(silentAt({ pingedAt: NOW, heardAt: NOW - 5 })).toBe(NOW + SILENT_MS);
    expect(silentAt({ pingedAt: null, heardAt: NOW })).toBe(null);
  });
});

describe('a seat', () => {
  it('of a guest ends 60 s after the last socket, or 300 s after the last call without any', () => {
    expect(seatEndsAt(session, guest)).toBe(NOW + 60_000);
    expect(seatEndsAt(session, { ...guest, seenAt: NOW + 9 })).toBe(NOW + GUEST_GONE_MS);
    expect(seatEndsAt(session, { ...guest, lostAt: null })).toBe(NOW + 300_000);
    expect(GUEST_UNHEARD_MS).toBe(300_000);
  });

  it('of a user ends by the rule of the session alone', () => {
    expect(seatEndsAt(session, offline)).toBe(null);
    const impatient = { ...session, memberTimeoutMs: 30_000 };
    expect(seatEndsAt(impatient, offline)).toBe(NOW + 30_000);
    expect(seatEndsAt(impatient, guest)).toBe(NOW + 30_000);
    expect(seatEndsAt({ ...session, memberTimeoutMs: 90_000 }, guest)).toBe(NOW + 60_000);
  });

  it('stays while there is a socket or an upload', () => {
    for (const sign of [{ online: true }, { uploading: true }]) {
      expect(seatEndsAt({ ...session, memberTimeoutMs: 30_000 }, { ...guest, ...sign })).toBe(null);
      expect(roleEndsAt(session, state, { ...offline, ...sign })).toBe(null);
    }
  });
});

describe('the role of a silent host', () => {
  it('ends after 120 s, or what the rule says, counted from the last sign or from becoming host', () => {
    expect(roleEndsAt(session, state, offline)).toBe(NOW + 120_000);
    expect(roleEndsAt({ ...session, hostTimeoutMs: 30_000 }, state, offline)).toBe(NOW + 30_000);
    expect(roleEndsAt(session, { ...state, hostSince: NOW + 7 }, offline)).toBe(NOW + 120_007);
    expect(roleEndsAt(session, state, { ...offline, seenAt: NOW + 9 })).toBe(NOW + 120_009);
  });

  it('does not end where the rule is 0, or where the host never had a socket', () => {
    expect(roleEndsAt({ ...session, hostTimeoutMs: 0 }, state, offline)).toBe(null);
    expect(roleEndsAt(session, state, { ...offline, lostAt: null })).toBe(null);
  });

  it('counts anew when the rule changes', () => {
    expect(changeRules(session, state, '1', { hostTimeoutMs: 30_000 }, NOW + 50)).toMatchObject({
      value: { session: { hostTimeoutMs: 30_000 }, state: { hostSince: NOW + 50 } },
    });
    expect(changeRules(session, state, '1', { capacity: 4 }, NOW + 50)).toMatchObject({
      value: { state: { hostSince: NOW } },
    });
  });

  it('passes, and comes back to the host alone', () => {
    const passed = passRole(state, ada, bob, NOW + 1);
    expect(passed).toMatchObject({ host: '2', hostId: 'bob', awayHost: { subject: '1', until: null } });
    expect(takeRoleBack(passed, cy, NOW + 2)).toBe(passed);
    expect(takeRoleBack(passed, bob, NOW + 2)).toBe(passed);
    const back = takeRoleBack(passed, ada, NOW + 2);
    expect(back).toMatchObject({ host: '1', hostId: 'ada', awayHost: null, hostSince: NOW + 2 });
    expect(takeRoleBack(back, ada, NOW + 3)).toBe(back);
  });

  it('stays claimed by the first of several who went silent', () => {
    const passed = passRole(passRole(state, ada, bob, NOW), bob, cy, NOW + 1);
    expect(passed).toMatchObject({ host: '3', awayHost: { subject: '1' } });
    expect(takeRoleBack(passed, bob, NOW + 2)).toBe(passed);
    expect(takeRoleBack(passed, ada, NOW + 2)).toMatchObject({ host: '1' });
  });

  it('is claimed for 300 s after the seat was lost by silence, and no longer by any other end', () => {
    const passed = passRole(state, ada, bob, NOW);
    const lost = claimAfterRemoval(passed, '1', 'timeout', NOW + 10);
    expect(takeRoleBack(lost, ada, NOW + 300_009)).toMatchObject({ host: '1' });
    expect(takeRoleBack(lost, ada, NOW + 300_010)).toMatchObject({ host: '2' });
    expect(awayHostOf(lost, NOW + 300_010)).toBe(null);
    for (const reason of ['left', 'kicked', 'signed_out', 'wallet_removed', 'replaced'] as const) {
      expect(claimAfterRemoval(passed, '1', reason, NOW)).toMatchObject({ host: '2', awayHost: null });
    }
    expect(claimAfterRemoval(passed, '3', 'left', NOW)).toBe(passed);
    expect(endClaim(passed, '1').awayHost).toBe(null);
    expect(endClaim(passed, '2')).toBe(passed);
  });

  it('cannot be used against the host, nor handed over', () => {
    const passed = passRole(state, ada, bob, NOW);
    expect(kick(passed, '2', ada, NOW)).toMatchObject({ code: 'host_away' });
    expect(kick(passed, '2', cy, NOW)).toMatchObject({ ok: true });
    expect(handOver(passed, '2', { ...cy, guest: false }, NOW)).toMatchObject({ code: 'host_away' });
    expect(handOver(passed, '2', { ...ada, guest: false }, NOW)).toMatchObject({ code: 'host_away' });
    const over = claimAfterRemoval(passed, '1', 'timeout', NOW);
    expect(kick(over, '2', ada, NOW + 299_999)).toMatchObject({ code: 'host_away' });
    expect(kick(over, '2', ada, NOW + 300_000)).toMatchObject({ ok: true });
    expect(handOver(over, '2', { ...cy, guest: false }, NOW + 300_000)).toMatchObject({
      value: { host: '3', awayHost: null },
    });
  });

  it('comes back where nobody else is left to have it (I3)', () => {
    const passed = passRole({ ...state, userCount: 2 }, ada, bob, NOW);
    const left = remove(passed, { subject: '2', guest: false }, ada, NOW + 5);
    expect(left).toMatchObject({
      hostChanged: true,
      state: { host: '1', awayHost: null, emptyEndsAt: null },
    });
  });

  it('is known as unclaimed in sessions made before it could be', () => {
    const { awayHost: _, hostSince: __, ...older } = state;
    expect(awayHostOf(older, NOW)).toBe(null);
    expect(takeRoleBack(older, ada, NOW)).toBe(older);
    expect(roleEndsAt(session as Session, older, offline)).toBe(NOW + 120_000);
  });
});

it('writes a call down only where a deadline counts from it', () => {
  const offlineHost = (changed: Partial<Presence>) => callMatters(session, true, { ...offline, ...changed });
  expect([offlineHost({}), offlineHost({ online: true }), offlineHost({ lostAt: null })]).toEqual([
    true,
    false,
    false,
  ]);
  expect(callMatters({ ...session, hostTimeoutMs: 0 }, true, offline)).toBe(false);
  expect(callMatters(session, false, offline)).toBe(false);
  expect(callMatters(session, false, guest)).toBe(false);
  expect(callMatters(session, false, { ...guest, lostAt: null })).toBe(true);
  expect(callMatters({ ...session, memberTimeoutMs: 30_000 }, false, offline)).toBe(true);
});
