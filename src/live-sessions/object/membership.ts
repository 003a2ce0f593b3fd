import type { Actor, MemberEnd } from '../../events/types.ts';
import { uuid } from '../../ids.ts';
import { logEvent } from '../../log.ts';
import type { Created, Identity, Visitor } from '../contract.ts';
import { type CloseCode, closeCodes, type Frame } from '../protocol.ts';
import { claimAfterRemoval } from './away-rules.ts';
import { deadlines, remove } from './lifetime-rules.ts';
import type { Member } from './member-storage.ts';
import { presenceDeadlines } from './presence-deadlines.ts';
import type { RoomParts } from './room-parts.ts';
import { type Live, PAGE, viewMember, viewSession } from './views.ts';

/** Who enters, through which device session, and under which name. */
export interface Entrance {
  sid: string;
  visitor: Visitor;
  identity: Identity;
  /** Where the join comes from, as a keyed hash; null where that is not known. */
  network?: string | null;
}

/** The last frame of a socket, and the code it closes with. */
export interface Farewell {
  frame: Frame;
  code: CloseCode;
}

export type Membership = ReturnType<typeof openMembership>;

/** How a membership begins and ends in one live session: what is written, and who hears of it. */
export function openMembership(parts: RoomParts) {
  const { sessionId, ctx, storage, sockets, channel, alarm } = parts;

  const setAlarm = (live: Live): void => {
    const { session, state } = live;
    const pending = {
      leastSeenAt: session.memberTimeoutMs > 0 ? storage.leastSeenAt() : null,
      oldestReservationAt: storage.oldestReservationAt(),
    };
    alarm.set({ ...deadlines(session, state, pending), ...presenceDeadlines(parts, live) });
  };

  const tellHost = ({ state }: Live): void =>
    channel.announce('host', { eventType: 'HostChanged', data: { hostId: state.hostId } }, () => ({
      eventType: 'HostChanged',
      data: { hostId: storage.state()?.hostId ?? null },
    }));

  /** Names a member who came or went. The one who came has no socket yet, the one who went has none left. */
  const tellMember = (frame: Frame<'UserAdded' | 'UserRemoved'>): void =>
    channel.announce('members', frame, () => ({
      eventType: 'MembersChanged',
      data: { userCount: storage.state()?.userCount ?? 0 },
    }));

  function farewell(subject: string, reason: MemberEnd): Farewell {
    if (reason === 'kicked') {
      const bar = storage.bar(subject);
      const data = bar && { by: bar.by, byName: bar.byName, reason: bar.reason };
      return { frame: { eventType: 'Kicked', data }, code: closeCodes.kicked };
    }
    return { frame: { eventType: 'SignedOut', data: { reason } }, code: closeCodes.credentialEnded };
  }

  return {
    setAlarm,
    tellHost,
    tellMember,
    farewell,

    /** Gives a seat to somebody who has none, takes the name they now go by, and notes that they are in through this device session. */
    enter({ sid, visitor, identity, network = null }: Entrance): void {
      const { subject, id, wallets, version, guestOf } = visitor;
      const now = Date.now();
      const standing = storage.memberOf(subject);
      const mid = standing?.mid ?? uuid();
      const name = identity.name ?? standing?.name ?? visitor.name;
      storage.putPerson({ subject, id }, { name, network });
      if (version >= (storage.versionOf(subject) ?? 0)) storage.putWallets(subject, wallets, version);
      if (standing) {
        storage.putSeen(mid, now);
        if (name !== standing.name) storage.putName(mid, name);
      } else storage.insertMember({ subject, id, mid, name, address: identity.chainAddress, guestOf }, now);
      storage.putCredential(sid, mid);
    },

    /** The answer to somebody who was admitted. */
    admitted(live: Live, subject: string): Created {
      const member = storage.memberOf(subject);
      if (!member) throw new Error('a member was admitted and is not there');
      const view = viewSession(parts, live, { caller: subject, cursor: null, limit: PAGE });
      return { view, mid: member.mid, you: viewMember(member, live.state) };
    },

    /**
     * Ends a membership and tells everybody; returns the session after it. `write` runs in the same transaction. Every
     * call must come from a session that stands and a member who is in.
     */
    remove({ session, state }: Live, member: Member, reason: MemberEnd, by: Actor, write = () => {}): Live {
      const { subject, guestOf, mid } = member;
      const now = Date.now();
      const claimed = claimAfterRemoval(state, subject, reason, now);
      const successor = storage.successorOf(subject, claimed.awayHost?.subject ?? null);
      const removal = remove(claimed, { subject, guest: guestOf !== null }, successor, now);
      ctx.storage.transactionSync(() => {
        write();
        storage.deleteMember(mid);
        storage.deleteUploadsOf(subject);
        storage.putState(removal.state);
      });
      const left: Live = { session, state: removal.state };
      setAlarm(left);
      logEvent('member_removed', { liveId: sessionId, mid, cause: reason, by: by.kind });
      channel.dismiss(sockets.ofMember(mid), farewell(subject, reason));
      tellMember({ eventType: 'UserRemoved', data: { ...viewMember(member, state), reason } });
      if (removal.hostChanged) tellHost(left);
      return left;
    },

    /** Why the credential behind a socket is dead. */
    why(subject: string, sid: string, over: boolean): Farewell {
      if (over) return { frame: { eventType: 'SessionEnded', data: {} }, code: closeCodes.sessionEnded };
      if (storage.bar(subject)) return farewell(subject, 'kicked');
      return farewell(subject, storage.isSignedOut(sid) ? 'signed_out' : 'left');
    },
  };
}

/** A member, as the one who did something. */
export function actorOf({ id, guestOf }: Pick<Member, 'id' | 'guestOf'>): Actor {
  return guestOf === null ? { kind: 'user', userId: id } : { kind: 'guest', id };
}
