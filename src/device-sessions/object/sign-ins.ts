import { BY_SYSTEM } from '../../events/types.ts';
import { uuid } from '../../ids.ts';
import { ok, type Result, refuse } from '../../result.ts';
import type { DeviceSession, OpenDeviceSession, Opened, PresentedSession, Standing } from '../contract.ts';
import { type Lineage, rotate, type TokenStamp } from '../rotation.ts';
import { continued, endOf, extended, lineageOf, open, refreshed } from '../rules.ts';
import type { Copies } from './copies.ts';
import type { Endings } from './endings.ts';
import type { DeviceSessionsStorage } from './storage.ts';

interface SignInsParts {
  storage: DeviceSessionsStorage;
  endings: Endings;
  copies: Copies;
  standing: (presented: PresentedSession) => Result<Standing, 'session_ended'>;
  /** One transaction, and the alarm that follows from it. */
  change: (change: () => void) => void;
}

export type SignIns = ReturnType<typeof makeSignIns>;

type ExtendRefusal =
  | 'session_ended'
  | 'token_not_found'
  | 'token_not_extendable'
  | 'token_life_exceeded'
  | 'missing_privilege';

/** How device sessions are opened, and how their tokens follow each other. */
export function makeSignIns({ storage, endings, copies, standing, change }: SignInsParts) {
  return {
    async open(
      input: OpenDeviceSession,
    ): Promise<Result<Opened, 'banned' | 'stale_record' | 'invalid_auth_token'>> {
      const now = Date.now();
      // A caller who read the user before the erasure reads again, and finds that there is none.
      if (storage.erasedAt() !== null) return refuse('stale_record');
      const { record, absoluteMs, kid, authTokenEpoch, ...given } = input;
      const facts = {
        held: storage.record(),
        ban: storage.ban(),
        offered: record,
        sessions: storage.sessions(),
        deviceId: input.deviceId,
        openedBy: input.openedBy,
        proof: input.proof,
        epoch: storage.epoch(),
        authTokenEpoch: authTokenEpoch ?? null,
      };
      const decision = open(facts, now);
      if (!decision.ok) return decision;
      const lineage = newLineage(kid, { absoluteMs, idleMs: given.idleMs }, now);
      const { continuing, ending } = decision.value;
      const earlier = continuing === null ? null : storage.session(continuing);
      const session: DeviceSession = earlier
        ? continued(earlier, given, lineage, now)
        : {
            ...given,
            id: uuid(),
            createdAt: now,
            lastUsedAt: now,
            credentialVersion: record.credentialVersion,
            lineages: [lineage],
          };
      change(() => {
        copies.put(record, ending, { kind: 'user', userId: record.userId }, now);
        if (earlier) storage.updateSession(session);
        else storage.insertSession(session);
      });
      await endings.deliver();
      return ok({ session, record, touched: true, lineage });
    },

    async refresh(
      presented: PresentedSession,
      kid: string,
    ): Promise<Result<Opened, 'session_ended' | 'refresh_reused'>> {
      const stands = standing(presented);
      if (!stands.ok) return stands;
      const { session } = stands.value;
      const now = Date.now();
      // One that was pushed out, or ran out, was not stolen by that: nothing ends.
      const lineage = lineageOf(session, presented, now);
      if (!lineage) return refuse('session_ended');
      const rotation = rotate(lineage, presented.jti, newStamp(kid, now), now);
      if (rotation.kind === 'repeat') return ok({ ...stands.value, lineage });
      if (rotation.kind === 'reused') {
        await endings.end({ kind: 'some', ids: [session.id] }, 'refresh_reused', BY_SYSTEM);
        return refuse('refresh_reused');
      }
      const next = refreshed(session, rotation.lineage, now);
      change(() => storage.updateSession(next));
      return ok({
        ...stands.value,
        session: next,
        lineage: lineageOf(next, presented, now) ?? rotation.lineage,
      });
    },

    extend(
      target: string,
      ttlMs: number,
      kid: string,
      presented?: PresentedSession,
    ): Result<Opened, ExtendRefusal> {
      const stands = presented === undefined ? ok(undefined) : standing(presented);
      if (!stands.ok) return stands;
      const now = Date.now();
      const session = storage.session(target);
      const record = storage.record();
      if (!session || now >= endOf(session) || !record) return refuse('token_not_found');
      // One token that was stolen must not lead to the others.
      if (presented && presented.sid !== target) return refuse('missing_privilege');
      const decision = extended(
        session,
        { ttlMs, bySystem: presented === undefined },
        newStamp(kid, now),
        now,
      );
      if (!decision.ok) return decision;
      change(() => storage.updateSession(decision.value));
      return ok({ session: decision.value, record, touched: false, lineage: decision.value.lineages[0] });
    },
  };
}

function newStamp(kid: string, issuedAt: number): TokenStamp {
  return { accessJti: uuid(), refreshJti: uuid(), kid, issuedAt };
}

function newLineage(
  kid: string,
  { absoluteMs, idleMs }: Pick<OpenDeviceSession, 'absoluteMs' | 'idleMs'>,
  now: number,
): Lineage {
  return {
    id: uuid(),
    signedInAt: now,
    absoluteEndAt: now + absoluteMs,
    idleEndAt: idleMs === null ? null : now + idleMs,
    current: newStamp(kid, now),
    previousJti: null,
  };
}
