/**
 * A host who went silent. The role passes to a member who is there, and comes back with the host's next call or socket.
 * Until then that member acts as host, and cannot use the role against the one it belongs to. Times in epoch ms.
 */
import type { MemberEnd } from '../../events/types.ts';
import { type AwayHost, becomeHost, EMPTY_WAIT_MS, type Person, type State } from './lifetime-rules.ts';

/** The host who is away and may still come back to the role. */
export function awayHostOf({ awayHost = null }: State, now: number): AwayHost | null {
  return awayHost === null || (awayHost.until !== null && now >= awayHost.until) ? null : awayHost;
}

/** The role of a silent host passes to a member who is there. Of several who went silent, the first keeps the claim. */
export function passRole(state: State, silent: Person, successor: Person, now: number): State {
  const { subject, id } = silent;
  const awayHost = awayHostOf(state, now) ?? { subject, id, until: null };
  return { ...becomeHost(state, successor, now), awayHost };
}

/** The session after somebody was heard of: the role returns to a host who was away. Unchanged for everybody else. */
export function takeRoleBack(state: State, { subject, id }: Person, now: number): State {
  if (awayHostOf(state, now)?.subject !== subject) return state;
  return { ...becomeHost(state, { subject, id }, now), creatorReturnsUntil: null };
}

/** What the loss of a seat makes of the claim: a seat lost by silence leaves time to return, anything else ends it. */
export function claimAfterRemoval(state: State, subject: string, reason: MemberEnd, now: number): State {
  const { awayHost = null } = state;
  if (awayHost?.subject !== subject) return state;
  const kept = reason === 'timeout' && awayHostOf(state, now) !== null;
  return { ...state, awayHost: kept ? { ...awayHost, until: now + EMPTY_WAIT_MS } : null };
}

/** The claim of this person is over, wherever they are. */
export function endClaim(state: State, subject: string): State {
  return state.awayHost?.subject === subject ? { ...state, awayHost: null } : state;
}
