import { BY_SYSTEM } from '../../events/types.ts';
import { passRole, takeRoleBack } from './away-rules.ts';
import type { State } from './lifetime-rules.ts';
import type { Member } from './member-storage.ts';
import type { Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
import { callMatters, GUEST_GONE_MS, GUEST_UNHEARD_MS, roleEndsAt, seatEndsAt } from './silence-rules.ts';
import type { Live } from './views.ts';

export type Timeouts = ReturnType<typeof openTimeouts>;

/**
 * What becomes of members who are gone: a seat ends by `memberTimeoutMs` or because a guest has no socket, the host's role
 * passes by `hostTimeoutMs`. An open socket and an upload under way are signs of life. A call is written down only where a
 * deadline counts from it.
 */
export function openTimeouts({ storage, sockets, watch }: RoomParts, membership: Membership) {
  /** The session by a changed state, of which only the host is another. */
  function putHost({ session, state }: Live, changed: State): Live {
    const live: Live = { session, state: changed };
    if (changed === state) return live;
    storage.putState(changed);
    membership.setAlarm(live);
    if (changed.host !== state.host) membership.tellHost(live);
    return live;
  }

  /** The role of a silent host passes to the longest-standing member with a socket, where there is one. */
  function passDueRole(live: Live, now: number, caller: string | null): Live {
    const { session, state } = live;
    if (state.host === null || state.host === caller) return live;
    const successor = storage.onlineSuccessorOf(state.host);
    const host = successor && storage.memberOf(state.host);
    if (!host) return live;
    const { uploading, ...silent } = storage.presenceOf(host.mid);
    const roleEnds = roleEndsAt(session, state, { ...silent, uploading: false });
    if (roleEnds === null || now < roleEnds) return live;
    if (uploading) {
      storage.putStillHere(host.mid, now);
      return live;
    }
    const seatEnds = seatEndsAt(session, { ...silent, uploading });
    if (seatEnds !== null && seatEnds <= roleEnds) return live;
    return putHost(live, passRole(state, host, successor, now));
  }

  /** Everybody whose seat may have ended by now. */
  function suspects({ session }: Live, now: number): Member[] {
    const guests = storage.guestsGone(now - GUEST_GONE_MS, now - GUEST_UNHEARD_MS);
    const { memberTimeoutMs } = session;
    return memberTimeoutMs === 0 ? guests : [...guests, ...storage.seenUntil(now - memberTimeoutMs)];
  }

  function endDueSeats(live: Live, now: number): Live {
    let left = live;
    for (const { mid, subject } of suspects(live, now)) {
      const member = storage.memberOf(subject);
      if (member?.mid !== mid) continue;
      const presence = storage.presenceOf(mid);
      const endsAt = seatEndsAt(live.session, presence);
      if (presence.uploading) storage.putStillHere(mid, now);
      else if (endsAt !== null && now >= endsAt) {
        left = membership.remove(left, member, 'timeout', BY_SYSTEM);
      }
    }
    return left;
  }

  return {
    /**
     * The session once everything that was due by now has happened. To be called before every command. The role does
     * not pass from a host who is calling at this instant.
     */
    settle(live: Live, now: number, caller: string | null = null): Live {
      if (watch.look(now)) membership.setAlarm(live);
      return endDueSeats(passDueRole(live, now, caller), now);
    },

    /** Takes a call of a member for a sign of life. */
    hear({ session, state }: Live, { mid, subject, guestOf }: Member, now: number): void {
      const isHost = state.host === subject;
      if (session.memberTimeoutMs === 0 && guestOf === null && !isHost) return;
      if (callMatters(session, isHost, storage.presenceOf(mid))) storage.putSeen(mid, now);
    },

    /** A host who was away is heard of: the role returns. */
    takeRoleBack: (live: Live, member: Member, now: number): Live =>
      putHost(live, takeRoleBack(live.state, member, now)),

    /** A member has opened a socket, and may be the one a silent host's role waited for. */
    connected(live: Live, mid: string, now: number): Live {
      storage.putOnline(mid, now);
      watch.opened(now);
      const passed = passDueRole(live, now, null);
      membership.setAlarm(passed);
      return passed;
    },

    /** After the loss of the last socket, a member has the whole time to come back. Telling it again changes nothing. */
    disconnected(live: Live, socket: WebSocket, now: number): void {
      const mid = sockets.attachmentOf(socket)?.mid;
      if (mid === undefined || sockets.ofMember(mid).some(other => other !== socket)) return;
      if (storage.putOffline(mid, now)) membership.setAlarm(live);
    },

    /** `memberTimeoutMs` was set or changed: members who were silent until then have the whole time from now on. */
    begin: (now: number): void => storage.everybodySeen(now),
  };
}
