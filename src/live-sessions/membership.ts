import { uuid } from '../ids.ts';
import type { UserRecord } from '../users/contract.ts';
import type { Channel } from './channel.ts';
import type { Created, Identity } from './contract.ts';
import { type CloseCode, closeCodes, type Frame, type RemovalReason } from './protocol.ts';
import { nextAlarm, type Person, remove } from './rules.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage, Member } from './storage.ts';
import { type Live, PAGE, viewMember, viewSession } from './views.ts';

/** Who enters, through which device session, and as whom. */
export interface Entrance {
  sid: string;
  record: UserRecord;
  identity: Identity;
}

/** What a socket hears last, and the code it closes with. */
export interface Farewell {
  frame: Frame;
  code: CloseCode;
}

export type Membership = ReturnType<typeof openMembership>;

interface World {
  sessionId: string;
  ctx: DurableObjectState;
  storage: LiveSessionStorage;
  sockets: Sockets;
  channel: Channel;
}

export const personOf = ({ uid, userId }: UserRecord): Person => ({ subject: String(uid), id: userId });

/** How a membership begins and ends in one live session: what is written, and who hears of it. */
export function openMembership({ sessionId, ctx, storage, sockets, channel }: World) {
  const setAlarm = ({ session, state }: Live): void => void ctx.storage.setAlarm(nextAlarm(session, state));

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
    enter({ sid, record, identity }: Entrance): void {
      const person = personOf(record);
      const mid = storage.memberOf(person.subject)?.mid ?? uuid();
      storage.putPerson(person, record.wallets);
      if (!storage.memberOf(person.subject)) {
        const name = identity.name ?? record.displayName ?? person.id;
        storage.insertMember({ ...person, mid, name, address: identity.chainAddress });
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

    /** Ends a membership, with what `also` writes in the same transaction, and tells everybody. */
    remove({ session, state }: Live, member: Member, reason: RemovalReason, also = () => {}): void {
      const successor = storage.successorOf(member.subject);
      const removal = remove(state, member.subject, successor, Date.now());
      ctx.storage.transactionSync(() => {
        also();
        storage.deleteMember(member.mid);
        storage.putState(removal.state);
      });
      const left: Live = { session, state: removal.state };
      setAlarm(left);
      channel.dismiss(sockets.ofMember(member.mid), farewell(member.subject, reason));
      channel.announce('UserRemoved', { ...viewMember(member, state), reason });
      if (removal.hostChanged) tellHost(left);
    },

    /** Why the credential behind a socket is dead. */
    why(subject: string, sid: string, over: boolean): Farewell {
      if (over) return { frame: { eventType: 'SessionEnded', data: {} }, code: closeCodes.sessionEnded };
      if (storage.bar(subject)) return farewell(subject, 'kicked');
      return farewell(subject, storage.isSignedOut(sid) ? 'signed_out' : 'left');
    },
  };
}
