import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RESERVATION_MS } from '../../../src/live-sessions/file-rules.ts';
import {
  type AdmissionFacts,
  admit,
  JOIN_LIFE_MS,
} from '../../../src/live-sessions/object/admission-rules.ts';
import { noAttempts, noFailures, noNetworkFailures } from '../../../src/live-sessions/object/attempts.ts';
import { changeRules, handOver, kick } from '../../../src/live-sessions/object/host-rules.ts';
import {
  deadlines,
  EMPTY_WAIT_MS,
  EXPIRY_WARNING_MS,
  open,
  over,
  type Person,
  remove,
  type State,
  timedOut,
  warningDue,
} from '../../../src/live-sessions/object/lifetime-rules.ts';
import { secondsLeft } from '../../../src/live-sessions/rules.ts';
import { earliest } from '../../../src/platform/alarm.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const ada: Person = { subject: '1', id: 'ada' };
const bob: Person = { subject: '2', id: 'bob' };
const rules = {
  capacity: 2,
  expiryMs: HOUR,
  password: null,
  allowOnlyListed: false,
  allowGuests: false,
  memberTimeoutMs: 0,
  maxFiles: 100,
  maxTotalMegaBytes: 1024,
};
const { session, state } = open(ada, rules, NOW);
const facts: AdmissionFacts = {
  session,
  state,
  person: bob,
  guestsOfNetwork: null,
  networkClosed: false,
  barred: false,
  signedOut: false,
  notedAt: NOW,
  forgottenUntil: null,
  outdated: false,
  proven: true,
  listed: false,
  passwordMatches: false,
  alreadyIn: false,
  attempts: noAttempts,
  networkFailures: noNetworkFailures,
  sessionFailures: noFailures,
};
const decide = (change: Partial<AdmissionFacts>, now = NOW) => admit({ ...facts, ...change }, now).decision;
const locked = { ...session, password: { version: 1, mac: 'x' } };

describe('admission', () => {
  it('lets a person in and counts them', () => {
    expect(decide({})).toMatchObject({
      ok: true,
      value: { state: { userCount: 2, host: '1' }, hostChanged: false },
    });
  });

  it('refuses in the order of the contract', () => {
    const everything = {
      barred: true,
      signedOut: true,
      notedAt: NOW - JOIN_LIFE_MS - 1,
      session: { ...locked, allowOnlyListed: true },
      state: { ...state, userCount: 2 },
      attempts: { ...noAttempts, blockedUntil: NOW + 1 },
      proven: false,
    };
    const cures: Partial<AdmissionFacts>[] = [
      { barred: false },
      { signedOut: false },
      { notedAt: NOW },
      { attempts: noAttempts },
      { proven: true },
      { listed: true },
      { passwordMatches: true },
      { state },
    ];
    const codes = cures.map((_, index) => {
      const decision = decide(Object.assign({}, everything, ...cures.slice(0, index)));
      return decision.ok ? 'ok' : decision.code;
    });
    expect(codes).toEqual([
      'member_kicked',
      'session_ended',
      'join_timed_out',
      'too_many_attempts',
      'address_not_proven',
      'address_not_allowed',
      'wrong_room_password',
      'session_full',
    ]);
    expect(decide(Object.assign({}, everything, ...cures)).ok).toBe(true);
  });

  it('spares somebody already in the seat, and nothing else', () => {
    const full = { state: { ...state, userCount: 2 }, alreadyIn: true };
    expect(decide(full)).toMatchObject({ ok: true, value: { state: { userCount: 2 } } });
    expect(decide({ ...full, session: locked })).toMatchObject({ code: 'wrong_room_password' });
    expect(decide({ ...full, barred: true })).toMatchObject({ code: 'member_kicked' });
  });

  it('takes a note of exactly the longest age, and no older one', () => {
    expect(decide({ notedAt: NOW - JOIN_LIFE_MS }).ok).toBe(true);
    expect(decide({ notedAt: NOW - JOIN_LIFE_MS - 1 })).toMatchObject({ code: 'join_timed_out' });
  });

  it('refuses a join noted before its note was forgotten, and no later one', () => {
    expect(decide({ forgottenUntil: NOW })).toMatchObject({ code: 'join_timed_out' });
    expect(decide({ forgottenUntil: NOW - 1 }).ok).toBe(true);
    expect(decide({ outdated: true })).toMatchObject({ code: 'join_timed_out' });
  });

  it('remembers a wrong password whatever else happens', () => {
    const { attempts, sessionFailures } = admit({ ...facts, session: locked }, NOW);
    expect(attempts).toMatchObject({ failures: 1, joins: 1 });
    expect(sessionFailures.failures).toBe(1);
  });
});

describe('guests', () => {
  const open4 = { ...session, capacity: 4, allowGuests: true };
  const guest = { person: { subject: 'guest:x', id: 'guest:x' }, session: open4, guestsOfNetwork: 0 };

  it('come where they may, take half of the seats at most, and five from one network', () => {
    expect(decide({ ...guest, session })).toMatchObject({ code: 'guests_not_allowed' });
    expect(decide(guest)).toMatchObject({
      ok: true,
      value: { state: { userCount: 2, guestCount: 1, host: '1' } },
    });
    const full = { ...state, userCount: 3, guestCount: 2 };
    expect(decide({ ...guest, state: full })).toMatchObject({ code: 'session_full' });
    expect(decide({ ...guest, state: full, alreadyIn: true }).ok).toBe(true);
    expect(decide({ ...guest, session: { ...open4, capacity: 50 }, guestsOfNetwork: 4 }).ok).toBe(true);
    expect(decide({ ...guest, session: { ...open4, capacity: 50 }, guestsOfNetwork: 5 })).toMatchObject({
      code: 'too_many_guests',
    });
  });

  it('are never host, and keep no session from being empty', () => {
    const alone = { ...state, host: null, hostId: null, userCount: 1, guestCount: 1, emptyEndsAt: NOW + 5 };
    expect(decide({ ...guest, state: alone })).toMatchObject({
      ok: true,
      value: { state: { host: null, emptyEndsAt: NOW + 5, guestCount: 2 }, hostChanged: false },
    });
    expect(handOver(state, '1', { ...guest.person, guest: true }, NOW)).toMatchObject({
      code: 'guest_cannot_host',
    });
    expect(remove(alone, { subject: 'guest:y', guest: true }, null, NOW).state).toMatchObject({
      userCount: 0,
      guestCount: 0,
    });
  });
});

describe('rule changes', () => {
  it('are the host’s, keep every seat taken, and count a new life from now', () => {
    const two = { ...state, userCount: 2, warned: true };
    expect(changeRules(session, two, '2', {}, NOW)).toMatchObject({ code: 'not_host' });
    expect(changeRules(session, two, '1', { capacity: 1 }, NOW)).toMatchObject({
      code: 'capacity_below_members',
    });
    const changed = changeRules(session, two, '1', { capacity: 2, expiryMs: 120_000 }, NOW + 5);
    expect(changed).toMatchObject({
      ok: true,
      value: { session: { capacity: 2, expiresAt: NOW + 120_005 }, state: { warned: false } },
    });
    expect(changeRules(session, two, '1', { expiryMs: 60_000 }, NOW)).toMatchObject({
      value: { state: { warned: true } },
    });
    expect(changeRules(session, two, '1', {}, NOW)).toMatchObject({ value: { session } });
  });
});

describe('handing the role over', () => {
  it('is the host’s, to another member', () => {
    expect(handOver(state, '2', { ...bob, guest: false }, NOW)).toMatchObject({ code: 'not_host' });
    expect(handOver(state, '1', null, NOW)).toMatchObject({ code: 'member_not_found' });
    const returning = { ...state, creatorReturnsUntil: NOW + 5 };
    expect(handOver(returning, '1', { ...bob, guest: false }, NOW)).toMatchObject({
      ok: true,
      value: { host: '2', hostId: 'bob', creatorReturnsUntil: null },
    });
  });
});

describe('the host', () => {
  const left = remove({ ...state, userCount: 1 }, { subject: '1', guest: false }, null, NOW);

  it('passes to the successor', () => {
    expect(remove({ ...state, userCount: 2 }, { subject: '1', guest: false }, bob, NOW)).toMatchObject({
      state: { host: '2', hostId: 'bob', userCount: 1, emptyEndsAt: null },
      hostChanged: true,
    });
  });

  it('stays when a client leaves', () => {
    expect(remove({ ...state, userCount: 2 }, { subject: '2', guest: false }, ada, NOW)).toMatchObject({
      state: { host: '1', userCount: 1 },
      hostChanged: false,
    });
  });

  it('is nobody in an empty session, which waits 300 s', () => {
    expect(left).toMatchObject({ state: { host: null, hostId: null, emptyEndsAt: NOW + EMPTY_WAIT_MS } });
    expect(over(session, left.state, NOW + EMPTY_WAIT_MS - 1)).toBe(null);
    expect(over(session, left.state, NOW + EMPTY_WAIT_MS)).toBe('empty');
  });

  it('becomes whoever comes to an empty session, until the creator returns in time', () => {
    const heir = decide({ state: left.state }, NOW + 1);
    if (!heir.ok) throw new Error(heir.code);
    expect(heir.value).toMatchObject({ state: { host: '2', emptyEndsAt: null }, hostChanged: true });
    const back = (now: number) => decide({ state: heir.value.state, person: ada, notedAt: now }, now);
    expect(back(NOW + EMPTY_WAIT_MS - 1)).toMatchObject({
      ok: true,
      value: { state: { host: '1' }, hostChanged: true },
    });
    expect(back(NOW + EMPTY_WAIT_MS)).toMatchObject({
      ok: true,
      value: { state: { host: '2' }, hostChanged: false },
    });
    expect(decide({ state: heir.value.state, person: ada, barred: true })).toMatchObject({
      code: 'member_kicked',
    });
  });

  it('alone kicks, and never themself', () => {
    expect(kick(state, '1', bob, NOW)).toMatchObject({ ok: true });
    expect(kick(state, '2', ada, NOW)).toMatchObject({ code: 'not_host' });
    expect(kick(state, '1', ada, NOW)).toMatchObject({ code: 'cannot_kick_self' });
    expect(kick(state, '1', null, NOW)).toMatchObject({ code: 'member_not_found' });
    expect(kick({ ...state, host: null }, '1', bob, NOW)).toMatchObject({ code: 'not_host' });
  });
});

describe('time', () => {
  it('ends the session at the exact instant', () => {
    expect(over(session, state, NOW + HOUR - 1)).toBe(null);
    expect(over(session, state, NOW + HOUR)).toBe('expired');
  });

  it('warns once, 60 s before', () => {
    const warning = NOW + HOUR - EXPIRY_WARNING_MS;
    expect(warningDue(session, state, warning - 1)).toBe(false);
    expect(warningDue(session, state, warning)).toBe(true);
    expect(warningDue(session, { ...state, warned: true }, warning)).toBe(false);
  });

  it('sets the alarm to the earliest deadline', () => {
    const none = { leastSeenAt: null, oldestReservationAt: null };
    expect(earliest(deadlines(session, state, none))).toBe(NOW + HOUR - EXPIRY_WARNING_MS);
    expect(earliest(deadlines(session, { ...state, warned: true }, none))).toBe(NOW + HOUR);
    expect(earliest(deadlines(session, { ...state, emptyEndsAt: NOW + 5 }, none))).toBe(NOW + 5);
    const impatient = { ...session, memberTimeoutMs: 30_000 };
    expect(earliest(deadlines(impatient, state, { ...none, leastSeenAt: NOW }))).toBe(NOW + 30_000);
    expect(earliest(deadlines(session, state, { ...none, leastSeenAt: NOW }))).toBe(
      NOW + HOUR - EXPIRY_WARNING_MS,
    );
    expect(earliest(deadlines(session, state, { ...none, oldestReservationAt: NOW }))).toBe(
      NOW + RESERVATION_MS,
    );
  });

  it('times a silent member out at the exact instant, and only where the rules say so', () => {
    const impatient = { ...session, memberTimeoutMs: 30_000 };
    expect(timedOut(impatient, NOW, NOW + 29_999)).toBe(false);
    expect(timedOut(impatient, NOW, NOW + 30_000)).toBe(true);
    expect(timedOut(session, NOW, NOW + HOUR)).toBe(false);
  });

  it('tells whole seconds, never less than none', () => {
    expect(secondsLeft(NOW + 1_001, NOW)).toBe(2);
    expect(secondsLeft(NOW + 1_000, NOW)).toBe(1);
    expect(secondsLeft(NOW - 1, NOW)).toBe(0);
  });
});

/** I1 and I3 over any history: the plain list of who is in is the model. */
it('never passes the capacity and has exactly one host while anybody is in', () => {
  const event = fc.record({
    kind: fc.constantFrom('join', 'leave'),
    who: fc.integer({ min: 1, max: 6 }),
    after: fc.integer({ min: 0, max: EMPTY_WAIT_MS }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (events, capacity) => {
      const live = open(ada, { ...rules, capacity, expiryMs: Number.MAX_SAFE_INTEGER / 2 }, NOW);
      let inside = ['1'];
      let current: State = live.state;
      let now = NOW;
      for (const { kind, who, after } of events) {
        now += after;
        if (over(live.session, current, now)) return;
        const person = { subject: String(who), id: `user-${who}` };
        const alreadyIn = inside.includes(person.subject);
        if (kind === 'join') {
          const { decision } = admit(
            { ...facts, session: live.session, state: current, person, alreadyIn, notedAt: now },
            now,
          );
          expect(decision.ok).toBe(alreadyIn || inside.length < capacity);
          if (!decision.ok) continue;
          current = decision.value.state;
          if (!alreadyIn) inside.push(person.subject);
        } else if (alreadyIn) {
          inside = inside.filter(subject => subject !== person.subject);
          const heir = inside[0] === undefined ? null : { subject: inside[0], id: `user-${inside[0]}` };
          current = remove(current, { subject: person.subject, guest: false }, heir, now).state;
        }
        expect(current.userCount).toBe(inside.length);
        expect(inside.length).toBeLessThanOrEqual(capacity);
        if (inside.length === 0) expect(current.host).toBe(null);
        else expect(inside).toContain(current.host);
      }
    }),
    { numRuns: 500 },
  );
});
