/**
 * Who is in a live session: decisions over facts, without a clock, storage or the runtime. A `subject` is
 * whom a membership, a bar or a role belongs to: `users.id` as text.
 */
import { ok, type Result, refuse } from '../result.ts';
import type { UserRecord } from '../users/contract.ts';
import {
  type Attempts,
  chargeFailure,
  chargeJoin,
  chargeSession,
  chargeStranger,
  type SessionFailures,
} from './attempts.ts';
import type { LiveSessionRules, RulesChange, Visitor } from './contract.ts';
import { RESERVATION_MS } from './file-rules.ts';

/** An empty session waits so long for somebody to return, and its creator may take the host's role back. */
export const EMPTY_WAIT_MS = 300_000;
export const EXPIRY_WARNING_MS = 60_000;
const GUESTS_OF_A_NETWORK = 5;

/** A join is admitted at most so long after `DeviceSessions` noted it: tombstones are kept for longer. */
export const JOIN_LIFE_MS = 30_000;

/** What never changes but by the host's word. Times in epoch ms. */
export interface Session extends Omit<LiveSessionRules, 'expiryMs'> {
  creator: string;
  creatorId: string;
  createdAt: number;
  expiresAt: number;
}

/** What changes with the members. */
export interface State {
  /** Null while nobody but guests is in. */
  host: string | null;
  hostId: string | null;
  userCount: number;
  /** How many of them are guests. */
  guestCount: number;
  /** When the session ends for want of members; null while somebody who can host is in. */
  emptyEndsAt: number | null;
  /** Until then the creator, coming back, is host again. */
  creatorReturnsUntil: number | null;
  /** Whether `SessionExpiring` was sent. */
  warned: boolean;
}

export type Ending = 'expired' | 'empty' | 'deleted';

/** A user as who enters. */
export function visitorOf(record: UserRecord): Visitor {
  const { uid, userId, displayName, wallets } = record;
  return { subject: String(uid), id: userId, name: displayName ?? userId, wallets, guestOf: null };
}

/** A session just made, its creator the host. `now` in epoch ms. */
export function open(
  creator: Person,
  { expiryMs, ...rules }: LiveSessionRules,
  now: number,
): { session: Session; state: State } {
  return {
    session: {
      ...rules,
      creator: creator.subject,
      creatorId: creator.id,
      createdAt: now,
      expiresAt: now + expiryMs,
    },
    state: {
      host: creator.subject,
      hostId: creator.id,
      userCount: 1,
      guestCount: 0,
      emptyEndsAt: null,
      creatorReturnsUntil: null,
      warned: false,
    },
  };
}

/** Whole seconds until an instant, as the wire tells them. */
export function secondsLeft(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}

/** Why a session is over at this instant, or null while it lives. */
export function over(session: Session, state: State, now: number): Ending | null {
  if (now >= session.expiresAt) return 'expired';
  if (state.emptyEndsAt !== null && now >= state.emptyEndsAt) return 'empty';
  return null;
}

export function warningDue(session: Session, state: State, now: number): boolean {
  return !state.warned && now >= session.expiresAt - EXPIRY_WARNING_MS;
}

/** What else has a deadline: the member seen least lately, the oldest upload under way. Null where there is none. */
export interface Pending {
  leastSeenAt: number | null;
  oldestReservationAt: number | null;
}

/** The one alarm: the earliest of the deadlines. */
export function nextAlarm(session: Session, state: State, pending: Pending): number {
  const { leastSeenAt, oldestReservationAt } = pending;
  const timesOut = session.memberTimeoutMs > 0 && leastSeenAt !== null;
  return Math.min(
    session.expiresAt,
    state.warned ? session.expiresAt : session.expiresAt - EXPIRY_WARNING_MS,
    state.emptyEndsAt ?? session.expiresAt,
    timesOut ? leastSeenAt + session.memberTimeoutMs : session.expiresAt,
    oldestReservationAt === null ? session.expiresAt : oldestReservationAt + RESERVATION_MS,
  );
}

/** Whether a member without a socket, last heard of then, has lost the seat. */
export function timedOut(session: Session, seenAt: number, now: number): boolean {
  return session.memberTimeoutMs > 0 && now >= seenAt + session.memberTimeoutMs;
}

export interface Person {
  subject: string;
  /** The public userId. */
  id: string;
}

export interface AdmissionFacts {
  session: Session;
  state: State;
  person: Person;
  /** How many guests of this one's network are in; null: no guest. */
  guestsOfNetwork: number | null;
  /** Barred by a kick, the person or a wallet they have proven. */
  barred: boolean;
  /** The device session they come through has ended. */
  signedOut: boolean;
  /** When `DeviceSessions` noted the join. */
  notedAt: number;
  /** Joins of theirs noted until then were forgotten again; null where none were. */
  forgottenUntil: number | null;
  /** The wallet they come as, if any, is one they have proven. */
  proven: boolean;
  /** One of their proven wallets is on the allow-list. */
  listed: boolean;
  passwordMatches: boolean;
  alreadyIn: boolean;
  attempts: Attempts;
  sessionFailures: SessionFailures;
}

export type AdmissionRefusal =
  | 'member_kicked'
  | 'session_ended'
  | 'join_timed_out'
  | 'too_many_attempts'
  | 'guests_not_allowed'
  | 'too_many_guests'
  | 'address_not_proven'
  | 'address_not_allowed'
  | 'wrong_password'
  | 'session_full';

/** The decision, and what is to be remembered of the try whatever the decision. */
export interface Admission {
  decision: Result<{ state: State; hostChanged: boolean }, AdmissionRefusal>;
  attempts: Attempts;
  sessionFailures: SessionFailures;
}

/** Whether a person comes in, and what the session is then. The order of the refusals is the contract's. */
export function admit(facts: AdmissionFacts, now: number): Admission {
  const { session, alreadyIn, attempts, sessionFailures } = facts;
  const unchanged = { attempts, sessionFailures };
  if (facts.barred) return { ...unchanged, decision: refuse('member_kicked') };
  if (facts.signedOut) return { ...unchanged, decision: refuse('session_ended') };
  const forgotten = facts.forgottenUntil !== null && facts.notedAt <= facts.forgottenUntil;
  if (forgotten || now - facts.notedAt > JOIN_LIFE_MS)
    return { ...unchanged, decision: refuse('join_timed_out') };

  const guest = facts.guestsOfNetwork !== null;
  if (guest && !session.allowGuests) return { ...unchanged, decision: refuse('guests_not_allowed') };

  const charged = chargeJoin(attempts, now);
  if (!charged.ok) return { ...unchanged, decision: charged };
  const tried = { attempts: charged.value, sessionFailures };
  if (!facts.proven) return { ...tried, decision: refuse('address_not_proven') };
  if (session.allowOnlyListed && !facts.listed) {
    return { ...tried, decision: refuse('address_not_allowed') };
  }
  if (session.password !== null) {
    const listens = chargeStranger(sessionFailures, now);
    if (!alreadyIn && !listens.ok) return { ...tried, decision: listens };
    if (!facts.passwordMatches) {
      return {
        attempts: chargeFailure(tried.attempts, now),
        sessionFailures: alreadyIn ? sessionFailures : chargeSession(sessionFailures, now),
        decision: refuse('wrong_password'),
      };
    }
    tried.attempts = { ...tried.attempts, failures: 0 };
  }
  const seat = alreadyIn ? ok(undefined) : findSeat(facts);
  if (!seat.ok) return { ...tried, decision: seat };
  return { ...tried, decision: ok(enter(facts, now)) };
}

/** A seat, of which guests may take half and five from one network. */
function findSeat(facts: AdmissionFacts): Result<undefined, 'session_full' | 'too_many_guests'> {
  const { session, state, guestsOfNetwork } = facts;
  if (state.userCount >= session.capacity) return refuse('session_full');
  if (guestsOfNetwork === null) return ok(undefined);
  if (state.guestCount >= Math.floor(session.capacity / 2)) return refuse('session_full');
  return guestsOfNetwork >= GUESTS_OF_A_NETWORK ? refuse('too_many_guests') : ok(undefined);
}

function enter({ session, state, person, alreadyIn, guestsOfNetwork }: AdmissionFacts, now: number) {
  const added = alreadyIn ? 0 : 1;
  if (guestsOfNetwork !== null) {
    const { userCount, guestCount } = state;
    const entered = { ...state, userCount: userCount + added, guestCount: guestCount + added };
    return { state: entered, hostChanged: false };
  }
  const returns =
    person.subject === session.creator &&
    state.creatorReturnsUntil !== null &&
    now < state.creatorReturnsUntil;
  const becomesHost = state.host === null || (returns && state.host !== person.subject);
  const entered: State = {
    ...state,
    userCount: state.userCount + added,
    emptyEndsAt: null,
    creatorReturnsUntil: returns ? null : state.creatorReturnsUntil,
  };
  if (becomesHost) Object.assign(entered, { host: person.subject, hostId: person.id });
  return { state: entered, hostChanged: becomesHost };
}

/** The session without a member. `successor` is the longest-standing other member who can host. */
export function remove(
  state: State,
  { subject, guest }: { subject: string; guest: boolean },
  successor: Person | null,
  now: number,
): { state: State; hostChanged: boolean } {
  const left = {
    ...state,
    userCount: state.userCount - 1,
    guestCount: state.guestCount - (guest ? 1 : 0),
  };
  if (state.host !== subject) return { state: left, hostChanged: false };
  if (successor) {
    return { state: { ...left, host: successor.subject, hostId: successor.id }, hostChanged: true };
  }
  const emptyEndsAt = now + EMPTY_WAIT_MS;
  return {
    state: { ...left, host: null, hostId: null, emptyEndsAt, creatorReturnsUntil: emptyEndsAt },
    hostChanged: true,
  };
}

/** Whether this caller may kick that person. Somebody who left a moment ago is kicked like a member. */
export function kick(
  state: State,
  caller: string,
  target: Person | null,
): Result<Person, 'not_host' | 'cannot_kick_self' | 'member_not_found'> {
  if (state.host !== caller) return refuse('not_host');
  if (!target) return refuse('member_not_found');
  if (target.subject === caller) return refuse('cannot_kick_self');
  return ok(target);
}

/** Whether this caller may make that member the host. */
export function handOver(
  state: State,
  caller: string,
  target: (Person & { guest: boolean }) | null,
): Result<State, 'not_host' | 'member_not_found' | 'guest_cannot_host'> {
  if (state.host !== caller) return refuse('not_host');
  if (!target) return refuse('member_not_found');
  if (target.guest) return refuse('guest_cannot_host');
  if (target.subject === caller) return ok(state);
  return ok({ ...state, host: target.subject, hostId: target.id, creatorReturnsUntil: null });
}

/** The session by the host's changed rules. A new span of life counts from now; nobody loses a seat by it. */
export function changeRules(
  session: Session,
  state: State,
  caller: string,
  { allowList: _, expiryMs, ...rules }: RulesChange,
  now: number,
): Result<{ session: Session; state: State }, 'not_host' | 'capacity_below_members'> {
  if (state.host !== caller) return refuse('not_host');
  if (rules.capacity !== undefined && rules.capacity < state.userCount) {
    return refuse('capacity_below_members');
  }
  const expiresAt = expiryMs === undefined ? session.expiresAt : now + expiryMs;
  const warned = state.warned && now >= expiresAt - EXPIRY_WARNING_MS;
  return ok({ session: { ...session, ...rules, expiresAt }, state: { ...state, warned } });
}
