import { timingSafeEqual } from 'node:crypto';
import { fromBase64 } from '../../ids.ts';
import { ok, type Refusal, type Result } from '../../result.ts';
import type { UserRecord } from '../../users/contract.ts';
import { addressOfKey } from '../../users/rules.ts';
import type { Created, CreateLiveSession, RoomPassword, Visitor } from '../contract.ts';
import { visitorOf } from '../rules.ts';
import { type Admission as AdmissionDecision, type AdmissionRefusal, admit } from './admission-rules.ts';
import { ATTEMPTS_FORGOTTEN_MS, NETWORK_REMEMBERED_MS, noNetworkFailures } from './attempts.ts';
import { open } from './lifetime-rules.ts';
import type { Entrance, Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
import type { Seats } from './seats.ts';
import type { Live } from './views.ts';

export interface Creation {
  /** The device session of the creator. */
  sid: string;
  record: UserRecord;
  request: CreateLiveSession;
}

export interface Admit extends Entrance {
  /** When `DeviceSessions` noted the join, epoch ms. */
  notedAt: number;
  /** The presented password under every master secret; empty where none was presented. */
  passwords: RoomPassword[];
}

/** How people come in: one decision over one reading of the facts, written in the same turn. */
export function openAdmission({ ctx, storage, channel }: RoomParts, membership: Membership, seats: Seats) {
  /** Guests cost nothing to make: their tries are counted by where they come from. */
  const triedBy = ({ subject, guestOf }: Visitor): string =>
    guestOf === null ? subject : `guests of ${guestOf}`;

  /** The decision over what is known now; `freed` seats are about to become free. */
  function decide({ session, state }: Live, input: Admit, freed: number, now: number): AdmissionDecision {
    const { visitor, sid, identity, network = null } = input;
    const { subject, wallets, guestOf } = visitor;
    const networkClosed = network !== null && storage.networkClosedUntil(network, now) !== null;
    const { chainAddress } = identity;
    return admit(
      {
        session,
        state: { ...state, userCount: state.userCount - freed },
        person: visitor,
        alreadyIn: storage.memberOf(subject) !== null,
        guestsOfNetwork: guestOf === null ? null : storage.guestsOf(guestOf),
        networkClosed,
        barred: storage.barOf(visitor) !== null,
        signedOut: storage.isSignedOut(sid),
        notedAt: input.notedAt,
        forgottenUntil: storage.forgottenUntil(subject),
        outdated: visitor.version < storage.latestVersionOf(subject),
        proven: chainAddress === null || wallets.some(key => addressOfKey(key) === chainAddress),
        listed: storage.listedOf(wallets).length > 0,
        passwordMatches: matches(session.password, input.passwords),
        attempts: storage.attempts(triedBy(visitor)),
        networkFailures: network === null ? noNetworkFailures : storage.networkFailures(network),
        sessionFailures: storage.sessionFailures(),
      },
      now,
    );
  }

  /** A person who was kicked hears the reason again. Somebody whom another's bar keeps out does not. */
  function withReason(refusal: Refusal<AdmissionRefusal>, { subject }: Visitor): Refusal<AdmissionRefusal> {
    const reason = refusal.code === 'member_kicked' ? storage.bar(subject)?.reason : null;
    return reason ? { ...refusal, detail: reason } : refusal;
  }

  /** Writes what the decision leaves, and tells the members. */
  function settle(
    live: Live,
    input: Admit,
    decided: AdmissionDecision,
    now: number,
  ): Result<Created, AdmissionRefusal> {
    const { visitor, network = null } = input;
    const { decision, attempts, networkFailures, sessionFailures } = decided;
    const before = storage.memberOf(visitor.subject);
    ctx.storage.transactionSync(() => {
      if (attempts.lastAt === now) {
        storage.forgetAttempts(now - ATTEMPTS_FORGOTTEN_MS);
        storage.putAttempts(triedBy(visitor), attempts);
      }
      if (network !== null && networkFailures.lastAt === now) {
        storage.forgetNetworkFailures(now - NETWORK_REMEMBERED_MS);
        storage.putNetworkFailures(network, networkFailures);
      }
      if (sessionFailures.failures > 0) storage.putSessionFailures(sessionFailures);
      if (!decision.ok) return;
      storage.putState(decision.value.state);
      membership.enter(input);
    });
    if (!decision.ok) return withReason(decision, visitor);
    const entered: Live = { session: live.session, state: decision.value.state };
    const created = membership.admitted(entered, visitor.subject);
    membership.setAlarm(entered);
    if (before === null) {
      membership.tellMember({ eventType: 'UserAdded', data: created.you });
      storage.putSince(created.mid, storage.lastSeq());
    } else if (created.you.name !== before.name) {
      channel.broadcast({ eventType: 'UserChanged', data: created.you });
    }
    if (decision.value.hostChanged) membership.tellHost(entered);
    return ok(created);
  }

  return {
    /** Makes the session, its creator the host. */
    create({ sid, record, request }: Creation, now: number): Created {
      const visitor = visitorOf(record);
      const live = open(visitor, request.rules, now);
      storage.create(() => {
        storage.putSession(live.session);
        storage.putAllowList(request.allowList);
        storage.putState(live.state);
        membership.enter({ sid, visitor, identity: request.identity });
      });
      membership.setAlarm(live);
      return membership.admitted(live, visitor.subject);
    },

    /** Admits a person, or refuses in the order of `admission-rules.ts`. */
    admit(live: Live, input: Admit, now: number): Result<Created, AdmissionRefusal> {
      const { visitor } = input;
      const standing = seats.learn(live, visitor.subject, visitor);
      const displaced = standing.session.allowOnlyListed ? seats.displacedBy(visitor) : [];
      const decided = decide(standing, input, displaced.length, now);
      if (!decided.decision.ok || displaced.length === 0) return settle(standing, input, decided, now);
      const freed = seats.displace(standing, visitor, displaced);
      return settle(freed, input, decide(freed, input, 0, now), now);
    },
  };
}

function matches(stored: RoomPassword | null, presented: readonly RoomPassword[]): boolean {
  const candidate = presented.find(password => password.version === stored?.version);
  const expected = fromBase64(stored?.mac ?? '');
  const given = fromBase64(candidate?.mac ?? '');
  if (!expected || !given || candidate === undefined) return false;
  return expected.length === given.length && timingSafeEqual(expected, given);
}
