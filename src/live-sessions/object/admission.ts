import { timingSafeEqual } from 'node:crypto';
import { fromBase64 } from '../../ids.ts';
import { ok, type Result } from '../../result.ts';
import type { UserRecord } from '../../users/contract.ts';
import type { Created, CreateLiveSession, RoomPassword } from '../contract.ts';
import { visitorOf } from '../rules.ts';
import { type AdmissionRefusal, admit } from './admission-rules.ts';
import { ATTEMPTS_FORGOTTEN_MS } from './attempts.ts';
import { open } from './lifetime-rules.ts';
import type { Entrance, Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
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

export type Admission = ReturnType<typeof openAdmission>;

/** How people come in: one decision over one reading of the facts, written in the same turn. */
export function openAdmission({ ctx, storage, channel }: RoomParts, membership: Membership) {
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
    admit({ session, state }: Live, input: Admit, now: number): Result<Created, AdmissionRefusal> {
      const { visitor, sid, identity } = input;
      const { subject, wallets, guestOf } = visitor;
      const alreadyIn = storage.memberOf(subject) !== null;
      // Guests cost nothing to make: their tries are counted by where they come from.
      const triedBy = guestOf === null ? subject : `guests of ${guestOf}`;
      const { decision, attempts, sessionFailures } = admit(
        {
          session,
          state,
          person: visitor,
          alreadyIn,
          guestsOfNetwork: guestOf === null ? null : storage.guestsOf(guestOf),
          barred: storage.isBarred(subject, wallets),
          signedOut: storage.isSignedOut(sid),
          notedAt: input.notedAt,
          forgottenUntil: storage.forgottenUntil(subject),
          proven: identity.chainAddress === null || wallets.includes(identity.chainAddress),
          listed: storage.isListed(wallets),
          passwordMatches: matches(session.password, input.passwords),
          attempts: storage.attempts(triedBy),
          sessionFailures: storage.sessionFailures(),
        },
        now,
      );
      ctx.storage.transactionSync(() => {
        if (attempts.lastAt === now) {
          storage.forgetAttempts(now - ATTEMPTS_FORGOTTEN_MS);
          storage.putAttempts(triedBy, attempts);
        }
        if (sessionFailures.failures > 0) storage.putSessionFailures(sessionFailures);
        if (!decision.ok) return;
        storage.putState(decision.value.state);
        membership.enter(input);
      });
      if (!decision.ok) return decision;
      const entered: Live = { session, state: decision.value.state };
      const created = membership.admitted(entered, subject);
      membership.setAlarm(entered);
      if (!alreadyIn) channel.announce({ eventType: 'UserAdded', data: created.you });
      if (decision.value.hostChanged) membership.tellHost(entered);
      return ok(created);
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
