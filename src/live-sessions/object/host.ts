import { uuid } from '../../ids.ts';
import { ok, type Result, refuse } from '../../result.ts';
import { MINUTE_MS } from '../../times.ts';
import type { Bar, BarCursor, Kick, LiveSessionView, RulesChange } from '../contract.ts';
import { presentRules } from '../present.ts';
import { changeRules, handOver, isSameRules, kick } from './host-rules.ts';
import { actorOf, type Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
import type { Timeouts } from './timeouts.ts';
import { type Inside, type Live, PAGE, viewRules, viewSession } from './views.ts';

/** For how long `closeGuests: "network"` keeps guests of the kicked person's network out. */
const NETWORK_CLOSED_MS = 10 * MINUTE_MS;

/** What the host may do while the session runs. */
export function openHost(parts: RoomParts, membership: Membership, timeouts: Timeouts) {
  const { ctx, storage, channel } = parts;

  function tellRules(live: Live): void {
    const frame = (of: Live) =>
      ({ eventType: 'RulesChanged', data: presentRules(viewRules(storage, of, null)) }) as const;
    channel.announce('rules', frame(live), () => {
      const [session, state] = [storage.session(), storage.state()];
      return session && state && frame({ session, state });
    });
  }

  return {
    /** Removes and bars a person, in one transaction; also one who left a moment ago. */
    kick(
      inside: Inside,
      { userId, reason, closeGuests }: Kick,
    ): Result<undefined, 'not_host' | 'cannot_kick_self' | 'member_not_found' | 'host_away'> {
      const decision = kick(inside.state, inside.member.subject, storage.person(userId), Date.now());
      if (!decision.ok) return decision;
      const { subject } = decision.value;
      const closes = closeGuests === true && inside.session.allowGuests;
      const network = closeGuests === 'network' ? storage.networkOf(subject) : null;
      const now = Date.now();
      const session = closes ? { ...inside.session, allowGuests: false } : inside.session;
      const write = () => {
        const { id: by, name: byName } = inside.member;
        storage.putBar(subject, { id: uuid(), by, byName, reason, at: now });
        if (network !== null) storage.closeNetwork(network, now + NETWORK_CLOSED_MS, now);
        if (closes) storage.putSession(session);
      };
      const member = storage.memberOf(subject);
      const live: Live = { session, state: inside.state };
      if (member) membership.remove(live, member, 'kicked', actorOf(inside.member), write);
      else ctx.storage.transactionSync(write);
      if (closes) tellRules(live);
      return ok(undefined);
    },

    /** Lets somebody in again; the tokens they had stay dead. */
    liftBar({ state, member }: Inside, userId: string): Result<undefined, 'not_host' | 'member_not_found'> {
      if (state.host !== member.subject) return refuse('not_host');
      const person = storage.person(userId);
      return person && storage.deleteBar(person.subject) ? ok(undefined) : refuse('member_not_found');
    },

    /** The bars in force, the oldest first. */
    bars(
      { state, member }: Inside,
      cursor: BarCursor | null,
      limit: number,
    ): Result<{ bars: Bar[]; next: BarCursor | null }, 'not_host'> {
      if (state.host !== member.subject) return refuse('not_host');
      const found = storage.bars(cursor ?? [0, ''], limit + 1);
      const bars = found.slice(0, limit);
      const last = bars.at(-1);
      return ok({ bars, next: last && found.length > limit ? [last.at, last.id] : null });
    },

    /** Lifts a bar by its own id: also of somebody who is erased. */
    liftBarById({ state, member }: Inside, id: string): Result<undefined, 'not_host' | 'bar_not_found'> {
      if (state.host !== member.subject) return refuse('not_host');
      return storage.deleteBarById(id) ? ok(undefined) : refuse('bar_not_found');
    },

    /** Makes another member the host. */
    handOver(
      { session, state, member }: Inside,
      userId: string,
    ): Result<undefined, 'not_host' | 'member_not_found' | 'guest_cannot_host' | 'host_away'> {
      const person = storage.person(userId);
      const next = person && storage.memberOf(person.subject);
      const target = next && { ...next, guest: next.guestOf !== null };
      const decision = handOver(state, member.subject, target, Date.now());
      if (!decision.ok) return decision;
      const live: Live = { session, state: decision.value };
      storage.putState(live.state);
      membership.setAlarm(live);
      if (live.state.host !== state.host) membership.tellHost(live);
      return ok(undefined);
    },

    /** Addresses on the allow-list, after this one. */
    allowList(
      { state, member }: Inside,
      after: string | null,
      limit: number,
    ): Result<{ addresses: string[]; next: string | null }, 'not_host'> {
      if (state.host !== member.subject) return refuse('not_host');
      const found = storage.allowList(after ?? '', limit + 1);
      const addresses = found.slice(0, limit);
      return ok({ addresses, next: found.length > limit ? (addresses.at(-1) ?? null) : null });
    },

    /** Changes the rules; the session as it is then. Rules that are in force already change nothing, and tell no one. */
    changeRules(
      { session, state, member }: Inside,
      change: RulesChange,
      now: number,
    ): Result<LiveSessionView, 'not_host' | 'capacity_below_members'> {
      const decision = changeRules(session, state, member.subject, change, now);
      if (!decision.ok) return decision;
      const changed = decision.value;
      const page = { caller: member.subject, cursor: null, limit: PAGE };
      const { allowList } = change;
      const isSameList = allowList === undefined || storage.isAllowList(allowList);
      if (isSameList && isSameRules(changed.session, session))
        return ok(viewSession(parts, { session, state }, page));
      ctx.storage.transactionSync(() => {
        storage.putSession(changed.session);
        storage.putState(changed.state);
        if (allowList) storage.putAllowList(allowList);
        if (change.memberTimeoutMs !== undefined) timeouts.begin(now);
      });
      membership.setAlarm(changed);
      tellRules(changed);
      return ok(viewSession(parts, changed, page));
    },
  };
}
