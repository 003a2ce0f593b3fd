import type { Created, CreateLiveSession } from '../../live-sessions/contract.ts';
import type { LiveSessionObject } from '../../platform/objects.ts';
import { DELIVERY_WAIT_MS } from '../../platform/outbox.ts';
import { ok, type Result, refuse } from '../../result.ts';
import { addressOfKey } from '../../users/rules.ts';
import type { PresentedSession, Standing } from '../contract.ts';
import { noteLiveSession } from '../rules.ts';
import type { Notes } from './notes.ts';

interface JoinsParts {
  notes: Notes;
  standing: (presented: PresentedSession) => Result<Standing, 'session_ended'>;
  liveSession: (liveId: string) => LiveSessionObject;
}

type Noted = Result<{ notedAt: number }, 'session_ended' | 'too_many_live_sessions'>;

export type Joins = ReturnType<typeof makeJoins>;

/**
 * Which live sessions are joined through which device session. A join is noted before a live session admits, so that an
 * end of the device session from then on reaches it there.
 */
export function makeJoins({ notes, standing, liveSession }: JoinsParts) {
  function note(presented: PresentedSession, liveId: string): Noted {
    const stands = standing(presented);
    if (!stands.ok) return stands;
    const decision = noteLiveSession(notes.all(), liveId);
    if (!decision.ok) return decision;
    const notedAt = Date.now();
    notes.put(liveId, presented.sid, notedAt);
    return ok({ notedAt });
  }

  /** At the cap, asks the noted live sessions and forgets those this user is no longer in. */
  async function makeRoom(
    presented: PresentedSession,
    liveId: string,
  ): Promise<Result<Standing, 'session_ended'>> {
    const stands = standing(presented);
    if (!stands.ok) return stands;
    const noted = notes.all();
    if (noteLiveSession(noted, liveId).ok) return stands;
    const subject = String(stands.value.record.uid);
    const asked = noted.map(async id => {
      const askedAt = Date.now();
      // A join noted before may not have arrived yet: from this answer on, the live session refuses it.
      const inside = await liveSession(id).isInside(subject, askedAt);
      if (!inside) notes.forget(id, askedAt);
    });
    await Promise.race([Promise.allSettled(asked), scheduler.wait(DELIVERY_WAIT_MS)]);
    return standing(presented);
  }

  return {
    /** The live session first, then its note, or it is destroyed again. */
    async create(
      presented: PresentedSession,
      liveId: string,
      request: CreateLiveSession,
    ): Promise<Result<Created, 'session_ended' | 'too_many_live_sessions' | 'address_not_proven'>> {
      const room = await makeRoom(presented, liveId);
      if (!room.ok) return room;
      const { record } = room.value;
      const { chainAddress } = request.identity;
      if (chainAddress !== null && !record.wallets.some(key => addressOfKey(key) === chainAddress))
        return refuse('address_not_proven');
      const live = liveSession(liveId);
      const created = await live.create({ sid: presented.sid, record, request });
      const noted = note(presented, liveId);
      if (noted.ok) return ok(created);
      await live.discard();
      return noted;
    },

    /** Approves a join and notes it. */
    async note(
      presented: PresentedSession,
      liveId: string,
    ): Promise<Result<Standing & { notedAt: number }, 'session_ended' | 'too_many_live_sessions'>> {
      const room = await makeRoom(presented, liveId);
      if (!room.ok) return room;
      const noted = note(presented, liveId);
      return noted.ok ? ok({ ...room.value, ...noted.value }) : noted;
    },
  };
}
