import { ok, type Result, refuse } from '../../result.ts';
import {
  type Attempts,
  chargeFailure,
  chargeFrom,
  chargeJoin,
  chargeNetwork,
  chargeSession,
  type NetworkFailures,
  type SessionFailures,
} from './attempts.ts';
import { takeRoleBack } from './away-rules.ts';
import { becomeHost, type Person, type Session, type State } from './lifetime-rules.ts';

const GUESTS_OF_A_NETWORK = 5;

/** A join is admitted at most so long after `DeviceSessions` noted it: tombstones are kept for longer. */
export const JOIN_LIFE_MS = 30_000;

export interface AdmissionFacts {
  session: Session;
  state: State;
  person: Person;
  /** How many guests of this one's network are in; null: no guest. */
  guestsOfNetwork: number | null;
  /** A guest whose network a kick has closed for a while. */
  networkClosed: boolean;
  /** Barred by a kick: the person, a former owner of their wallets, or a wallet. */
  barred: boolean;
  /** The device session they come through has ended. */
  signedOut: boolean;
  /** When `DeviceSessions` noted the join. */
  notedAt: number;
  /** Joins of theirs noted until then were forgotten again; null where none were. */
  forgottenUntil: number | null;
  /** A newer version of their record is known here than the one they come with. */
  outdated: boolean;
  /** The wallet they come as, if any, is one they have proven. */
  proven: boolean;
  /** One of their proven wallets is on the allow-list. */
  listed: boolean;
  passwordMatches: boolean;
  alreadyIn: boolean;
  attempts: Attempts;
  networkFailures: NetworkFailures;
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
  | 'wrong_room_password'
  | 'session_full';

/** The decision, and what is to be remembered of the try whatever the decision. */
export interface Admission {
  decision: Result<{ state: State; hostChanged: boolean }, AdmissionRefusal>;
  attempts: Attempts;
  networkFailures: NetworkFailures;
  sessionFailures: SessionFailures;
}

/** Whether a person comes in, and what the session is then. The order of the refusals is the contract's. */
export function admit(facts: AdmissionFacts, now: number): Admission {
  const { session, alreadyIn, attempts, networkFailures, sessionFailures } = facts;
  const unchanged = { attempts, networkFailures, sessionFailures };
  if (facts.barred) return { ...unchanged, decision: refuse('member_kicked') };
  if (facts.signedOut) return { ...unchanged, decision: refuse('session_ended') };
  const forgotten = facts.forgottenUntil !== null && facts.notedAt <= facts.forgottenUntil;
  if (forgotten || facts.outdated || now - facts.notedAt > JOIN_LIFE_MS)
    return { ...unchanged, decision: refuse('join_timed_out') };

  const guest = facts.guestsOfNetwork !== null;
  if (guest && (!session.allowGuests || facts.networkClosed))
    return { ...unchanged, decision: refuse('guests_not_allowed') };

  const charged = chargeJoin(attempts, now);
  if (!charged.ok) return { ...unchanged, decision: charged };
  const tried = { ...unchanged, attempts: charged.value };
  if (!facts.proven) return { ...tried, decision: refuse('address_not_proven') };
  if (session.allowOnlyListed && !facts.listed) {
    return { ...tried, decision: refuse('address_not_allowed') };
  }
  if (session.password !== null) {
    const listens = chargeFrom(networkFailures, sessionFailures, now);
    if (!alreadyIn && !listens.ok) return { ...tried, decision: listens };
    if (!facts.passwordMatches) {
      const decision = refuse('wrong_room_password');
      const failed = { ...tried, attempts: chargeFailure(tried.attempts, now), decision };
      if (alreadyIn) return failed;
      return {
        ...failed,
        networkFailures: chargeNetwork(networkFailures, now),
        sessionFailures: chargeSession(sessionFailures, now),
      };
    }
  }
  const known = session.password === null ? tried.attempts : { ...tried.attempts, failures: 0 };
  const seat = alreadyIn ? ok(undefined) : findSeat(facts);
  const decision = seat.ok ? ok(enter(facts, now)) : seat;
  return { ...unchanged, attempts: known, decision };
}

/** A seat, of which guests may take half and five from one network. */
function findSeat(facts: AdmissionFacts): Result<undefined, 'session_full' | 'too_many_guests'> {
  const { session, state, guestsOfNetwork } = facts;
  if (state.userCount >= session.capacity) return refuse('session_full');
  if (guestsOfNetwork === null) return ok(undefined);
  if (state.guestCount >= Math.floor(session.capacity / 2)) return refuse('session_full');
  return guestsOfNetwork >= GUESTS_OF_A_NETWORK ? refuse('too_many_guests') : ok(undefined);
}

function enter({ session, state: before, person, alreadyIn, guestsOfNetwork }: AdmissionFacts, now: number) {
  const state = guestsOfNetwork === null ? takeRoleBack(before, person, now) : before;
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
    ...(becomesHost ? becomeHost(state, person, now) : state),
    userCount: state.userCount + added,
    emptyEndsAt: null,
    ...(returns ? { awayHost: null, creatorReturnsUntil: null } : {}),
  };
  return { state: entered, hostChanged: entered.host !== before.host };
}
