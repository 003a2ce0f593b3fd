import { ok, type Result, refuse } from '../../result.ts';
import type { RulesChange } from '../contract.ts';
import { awayHostOf } from './away-rules.ts';
import { becomeHost, EXPIRY_WARNING_MS, type Person, type Session, type State } from './lifetime-rules.ts';

/**
 * Whether this caller may kick that person. Somebody who left a moment ago is kicked like a member. Who stands for a host
 * who is away cannot kick that host.
 */
export function kick(
  state: State,
  caller: string,
  target: Person | null,
  now: number,
): Result<Person, 'not_host' | 'cannot_kick_self' | 'member_not_found' | 'host_away'> {
  if (state.host !== caller) return refuse('not_host');
  if (!target) return refuse('member_not_found');
  if (target.subject === caller) return refuse('cannot_kick_self');
  if (awayHostOf(state, now)?.subject === target.subject) return refuse('host_away');
  return ok(target);
}

/** Whether this caller may make that member the host. Who stands for a host who is away may not: the role is not theirs. */
export function handOver(
  state: State,
  caller: string,
  target: (Person & { guest: boolean }) | null,
  now: number,
): Result<State, 'not_host' | 'member_not_found' | 'guest_cannot_host' | 'host_away'> {
  if (state.host !== caller) return refuse('not_host');
  if (!target) return refuse('member_not_found');
  if (target.guest) return refuse('guest_cannot_host');
  if (target.subject === caller) return ok(state);
  if (awayHostOf(state, now)) return refuse('host_away');
  return ok({ ...becomeHost(state, target, now), awayHost: null, creatorReturnsUntil: null });
}

/** The session by the host's changed rules. A new span of life counts from now. No member loses a seat. */
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
  const hostSince = rules.hostTimeoutMs === undefined ? {} : { hostSince: now };
  return ok({ session: { ...session, ...rules, expiresAt }, state: { ...state, warned, ...hostSince } });
}

/** Whether two sets of rules are the same. */
export function isSameRules(a: Session, b: Session): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
