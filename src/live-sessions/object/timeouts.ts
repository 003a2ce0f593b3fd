import { BY_SYSTEM } from '../../events/types.ts';
import { timedOut } from './lifetime-rules.ts';
import type { Member } from './member-storage.ts';
import type { Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
import type { Live } from './views.ts';

export type Timeouts = ReturnType<typeof openTimeouts>;

/**
 * `memberTimeoutMs`: a member who shows no sign of life for so long loses the seat. An open socket and an upload under way
 * are signs, and so is every call. Connected members cost no alarm. Nothing is written where the rule is off.
 */
export function openTimeouts({ storage, sockets }: RoomParts, membership: Membership) {
  const isConnected = (mid: string): boolean => sockets.ofMember(mid).length > 0;

  function isSilent({ session }: Live, { mid }: Member, now: number): boolean {
    const since = storage.silentSince(mid);
    return since !== null && timedOut(session, since, now);
  }

  return {
    /** Takes a call of a member for a sign of life; false where it comes too late, and the seat is gone. */
    hear(live: Live, member: Member, now: number): boolean {
      if (live.session.memberTimeoutMs === 0) return true;
      if (isSilent(live, member, now)) {
        membership.remove(live, member, 'timeout', BY_SYSTEM);
        return false;
      }
      storage.putSeen(member.mid, now);
      return true;
    },

    connected({ session }: Live, mid: string, now: number): void {
      if (session.memberTimeoutMs > 0) storage.putOnline(mid, true, now);
    },

    /** After the loss of the last socket, a member has the whole timeout to come back. */
    disconnected(live: Live, socket: WebSocket, now: number): void {
      const mid = sockets.attachmentOf(socket)?.mid;
      if (mid === undefined || live.session.memberTimeoutMs === 0) return;
      if (sockets.ofMember(mid).some(other => other !== socket)) return;
      storage.putOnline(mid, false, now);
      membership.setAlarm(live);
    },

    /** A crash or a deploy closes sockets without a close event: members who were online have the whole timeout, too. */
    recover(now: number): void {
      const lost = storage.onlineMids().filter(mid => !isConnected(mid));
      for (const mid of lost) storage.putOnline(mid, false, now);
      const [session, state] = [storage.session(), storage.state()];
      if (lost.length > 0 && session && state) membership.setAlarm({ session, state });
    },

    /** The rule was set or changed: members who were silent until then have the whole timeout from now on. */
    begin(now: number): void {
      storage.everybodySeen(now);
      for (const mid of sockets.mids()) storage.putOnline(mid, true, now);
    },

    /** Ends the memberships that were silent for too long; the session without them. */
    endSilent(live: Live, now: number): Live {
      const { memberTimeoutMs } = live.session;
      if (memberTimeoutMs === 0) return live;
      let left = live;
      for (const member of storage.seenUntil(now - memberTimeoutMs)) {
        if (isSilent(left, member, now)) left = membership.remove(left, member, 'timeout', BY_SYSTEM);
        else storage.putSeen(member.mid, now);
      }
      return left;
    },
  };
}
