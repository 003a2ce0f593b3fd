import type { LiveSessionEnd } from '../../events/types.ts';
import type { LiveSessionRules } from '../contract.ts';
import { RESERVATION_MS } from '../file-rules.ts';

/** An empty session waits so long for somebody to return, and its creator may take the host's role back. */
export const EMPTY_WAIT_MS = 300_000;

export const EXPIRY_WARNING_MS = 60_000;

/** What the host alone changes. Times in epoch ms. */
export interface Session extends Omit<LiveSessionRules, 'expiryMs'> {
  creator: string;
  creatorId: string;
  createdAt: number;
  expiresAt: number;
}

/** What changes with the members. What may be absent is so in sessions made before it was kept. */
export interface State {
  /** Null while the members are guests only, or while there are none. */
  host: string | null;
  hostId: string | null;
  /** Since when this host is the host. */
  hostSince?: number;
  /** The silent host whom the host stands for. */
  awayHost?: AwayHost | null;
  userCount: number;
  /** How many of them are guests. */
  guestCount: number;
  /** When the session ends because it has no members; null while somebody who can host is in. */
  emptyEndsAt: number | null;
  /** Until then the creator, coming back, is host again. */
  creatorReturnsUntil: number | null;
  /** Whether `SessionExpiring` was sent. */
  warned: boolean;
}

/** A host who went silent, and whom the host stands for. */
export interface AwayHost extends Person {
  /** Null while they are a member. After their seat was lost: until when the role is still theirs. */
  until: number | null;
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
      hostSince: now,
      awayHost: null,
      userCount: 1,
      guestCount: 0,
      emptyEndsAt: null,
      creatorReturnsUntil: null,
      warned: false,
    },
  };
}

/** Why a session is over at this instant, or null while it lives. */
export function over(session: Session, state: State, now: number): LiveSessionEnd | null {
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

/** The instants at which something is to be done without a call (epoch ms). */
export function deadlines(session: Session, state: State, pending: Pending) {
  const { leastSeenAt, oldestReservationAt } = pending;
  const timesOut = session.memberTimeoutMs > 0 && leastSeenAt !== null;
  return {
    expiry: session.expiresAt,
    warning: state.warned ? null : session.expiresAt - EXPIRY_WARNING_MS,
    empty: state.emptyEndsAt,
    memberTimeout: timesOut ? leastSeenAt + session.memberTimeoutMs : null,
    reservation: oldestReservationAt === null ? null : oldestReservationAt + RESERVATION_MS,
  };
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

/** The session with this person as its host. If they were away, they no longer are. */
export function becomeHost(state: State, { subject, id }: Person, now: number): State {
  const back = state.awayHost?.subject === subject ? { awayHost: null } : {};
  return { ...state, host: subject, hostId: id, hostSince: now, ...back };
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
    return { state: becomeHost(left, successor, now), hostChanged: true };
  }
  const emptyEndsAt = now + EMPTY_WAIT_MS;
  return {
    state: { ...left, host: null, hostId: null, emptyEndsAt, creatorReturnsUntil: emptyEndsAt },
    hostChanged: true,
  };
}
