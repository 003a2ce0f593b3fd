import { type Actor, BY_SYSTEM } from '../../events/types.ts';
import { endClaim } from './away-rules.ts';
import { actorOf, type Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
import type { HeldWallets, Seats } from './seats.ts';
import type { Live } from './views.ts';

/** What the `DeviceSessions` of a user tell one live session about that user. Telling it again changes nothing. */
export function openSubjects(
  { ctx, storage, sockets, channel }: RoomParts,
  membership: Membership,
  seats: Seats,
) {
  function leave(live: Live, subject: string, by: Actor | null): void {
    const member = storage.memberOf(subject);
    if (member) membership.remove(live, member, 'signed_out', by ?? actorOf(member));
  }

  /** A host who was away, lost the seat, and can no longer return to the role. */
  function giveUpRole({ state }: Live, subject: string): void {
    const changed = endClaim(state, subject);
    if (changed !== state) storage.putState(changed);
  }

  return {
    /** Ends what the membership of this subject has by this device session; refuses a join of it that is under way. */
    endDeviceSession(live: Live, subject: string, sid: string, now: number): void {
      storage.putSignedOut(sid, now);
      const member = storage.memberOf(subject);
      if (!member) giveUpRole(live, subject);
      if (!member || !storage.memberBy({ mid: member.mid, sid, subject })) return;
      storage.deleteCredential(sid);
      if (storage.hasCredential(member.mid)) {
        channel.dismiss(sockets.ofDevice(sid), membership.farewell(subject, 'signed_out'));
      } else leave(live, subject, null);
    },

    /** Ends the membership of somebody erased, and keeps nothing of them but a bar. */
    forget(live: Live, subject: string): void {
      leave(live, subject, BY_SYSTEM);
      const state = storage.state();
      if (state) giveUpRole({ ...live, state }, subject);
      ctx.storage.transactionSync(() => storage.forgetPerson(subject));
    },

    /** The wallets of this subject have changed. */
    walletsChanged(live: Live, subject: string, held: HeldWallets): void {
      seats.learn(live, subject, held);
    },

    /** Whether this subject is in. Where not, joins of theirs that were noted until `askedAt` are void from now on. */
    isInside(subject: string, askedAt: number): boolean {
      if (storage.memberOf(subject)) return true;
      storage.putForgotten(subject, askedAt);
      return false;
    },
  };
}
