import { uuid } from '../../ids.ts';
import type { Created, Identity, Visitor } from '../contract.ts';
import { type CloseCode, closeCodes, type Frame, type RemovalReason } from '../protocol.ts';
import type { Channel } from './channel.ts';
import { nextAlarm, remove } from './lifetime-rules.ts';
import type { Member } from './member-storage.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage } from './storage.ts';
import { type Live, PAGE, viewMember, viewSession } from './views.ts';

/** Who enters, through which device session, and as whom. */
export interface Entrance {
  sid: string;
  visitor: Visitor;
  identity: Identity;
}

/** What a socket hears last, and the code it closes with. */
export interface Farewell {
  frame: Frame;
  code: CloseCode;
}

export type Membership = ReturnType<typeof openMembership>;

/** The parts a live session is made of. */
export interface World {
  sessionId: string;
  ctx: DurableObjectState;
  storage: LiveSessionStorage;
  sockets: Sockets;
  channel: Channel;
}

/** How a membership begins and ends in one live session: what is written, and who hears of it. */
export function openMembership({ sessionId, ctx, storage, sockets, channel }: World) {
  const setAlarm = ({ session, state }: Live): void => {
    const pending = {
      leastSeenAt: session.memberTimeoutMs > 0 ? storage.leastSeenAt() : null,
      oldestReservationAt: storage.oldestReservationAt(),
    };
    ctx.storage.setAlarm(nextAlarm(session, state, pending));
  };

  const tellHost = ({ state }: Live): void =>
    channel.broadcast({ eventType: 'HostChanged', data: { hostId: state.hostId } });

  function farewell(subject: string, reason: RemovalReason): Farewell {
    if (reason === 'kicked') {
      return { frame: { eventType: 'Kicked', data: storage.bar(subject) }, code: closeCodes.kicked };
    }
    return { frame: { eventType: 'SignedOut', data: { reason } }, code: closeCodes.credentialEnded };
  }

  return {
    setAlarm,
    tellHost,
    farewell,

    /** A seat for whoever has none, and this device session's part in it. */
    enter({ sid, visitor, identity }: Entrance): void {
      const { subject, id, wallets, guestOf } = visitor;
      const now = Date.now();
      const standing = storage.memberOf(subject);
      const mid = standing?.mid ?? uuid();
      storage.putPerson({ subject, id }, wallets);
      if (standing) storage.putSeen(mid, now);
      else {
        const name = identity.name ?? visitor.name;
        storage.insertMember({ subject, id, mid, name, address: identity.chainAddress, guestOf }, now);
      }
      storage.putCredential(sid, mid);
    },

    /** What somebody who is in is told of it. */
    admitted(live: Live, subject: string): Created {
      const member = storage.memberOf(subject);
      if (!member) throw new Error('a member was admitted and is not there');
      const view = viewSession(sessionId, storage, live, subject, null, PAGE);
      return { view, mid: member.mid, you: viewMember(member, live.state) };
    },

    /** Ends a membership, with what `also` writes in the same transaction, and tells everybody; the session after it. */
    remove({ session, state }: Live, member: Member, reason: RemovalReason, also = () => {}): Live {
      const { subject, guestOf } = member;
      const successor = storage.successorOf(subject);
      const removal = remove(state, { subject, guest: guestOf !== null }, successor, Date.now());
      ctx.storage.transactionSync(() => {
        also();
        storage.deleteMember(member.mid);
        storage.putState(removal.state);
      });
      const left: Live = { session, state: removal.state };
      setAlarm(left);
      channel.dismiss(sockets.ofMember(member.mid), farewell(subject, reason));
      channel.announce('UserRemoved', { ...viewMember(member, state), reason });
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
