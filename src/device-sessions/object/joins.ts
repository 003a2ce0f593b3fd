import type { Created, CreateLiveSession } from '../../live-sessions/contract.ts';
import type { LiveSessionObject } from '../../platform/objects.ts';
import { DELIVERY_WAIT_MS } from '../../platform/outbox.ts';
import { ok, type Result, refuse } from '../../result.ts';
import { SECOND_MS } from '../../times.ts';
import { addressOfKey } from '../../users/rules.ts';
import type { PresentedSession, Standing } from '../contract.ts';
import { walletsDiffer } from '../copy-rules.ts';
import { noteLiveSession } from '../rules.ts';
import type { Notes } from './notes.ts';

interface JoinsParts {
  notes: Notes;
  standing: (presented: PresentedSession) => Result<Standing, 'session_ended'>;
  liveSession: (liveId: string) => LiveSessionObject;
}

type Noted = Result<Standing & { notedAt: number }, 'session_ended' | 'too_many_live_sessions'>;

export type Joins = ReturnType<typeof makeJoins>;

/** A join noted so lately may not have arrived yet: it is asked about only where nothing else makes room. */
const UNDER_WAY_MS = 5 * SECOND_MS;

/** How often a place is looked for where others of the same user take it first. */
const TRIES = 5;

/**
 * Which live sessions are joined through which device session. A join is noted before a live session admits, so that an
 * end of the device session from then on reaches it there.
 */
export function makeJoins({ notes, standing, liveSession }: JoinsParts) {
  let asking: Promise<void> | null = null;

  function note(presented: PresentedSession, liveId: string): Noted {
    const stands = standing(presented);
    if (!stands.ok) return stands;
    const decision = noteLiveSession(notes.all(), liveId);
    if (!decision.ok) return decision;
    const notedAt = Date.now();
    notes.put(liveId, presented.sid, notedAt);
    return ok({ ...stands.value, notedAt });
  }

  /** Asks these live sessions, and forgets those this user is no longer in. */
  async function ask(subject: string, noted: readonly string[]): Promise<void> {
    const asked = noted.map(async id => {
      const askedAt = Date.now();
      // A join noted before may not have arrived yet: from this answer on, the live session refuses it.
      const inside = await liveSession(id).isInside(subject, askedAt);
      if (!inside) notes.forget(id, askedAt);
    });
    await Promise.race([Promise.allSettled(asked), scheduler.wait(DELIVERY_WAIT_MS)]);
  }

  /** Looks for notes that can be forgotten, first among those that cannot be of a join under way. */
  async function makeRoom(subject: string): Promise<void> {
    const long = notes.before(Date.now() - UNDER_WAY_MS);
    if (long.length > 0) await ask(subject, long);
    const noted = notes.all();
    if (!noteLiveSession(noted, '').ok) await ask(subject, noted);
  }

  /** Notes a live session, at the cap only once others have made room. Calls at the same time ask once. */
  async function noteWithRoom(presented: PresentedSession, liveId: string): Promise<Noted> {
    let noted = note(presented, liveId);
    for (let tried = 0; tried < TRIES && !noted.ok && noted.code === 'too_many_live_sessions'; tried += 1) {
      const stands = standing(presented);
      if (!stands.ok) return stands;
      asking ??= makeRoom(String(stands.value.record.uid)).finally(() => {
        asking = null;
      });
      await asking;
      noted = note(presented, liveId);
    }
    return noted;
  }

  return {
    /** The live session first, then its note, or it is destroyed again. */
    async create(
      presented: PresentedSession,
      liveId: string,
      request: CreateLiveSession,
    ): Promise<Result<Created, 'session_ended' | 'too_many_live_sessions' | 'address_not_proven'>> {
      const stands = standing(presented);
      if (!stands.ok) return stands;
      const { record } = stands.value;
      const { chainAddress } = request.identity;
      if (chainAddress !== null && !record.wallets.some(key => addressOfKey(key) === chainAddress))
        return refuse('address_not_proven');
      const live = liveSession(liveId);
      const created = await live.create({ sid: presented.sid, record, request });
      const noted = await noteWithRoom(presented, liveId);
      if (!noted.ok) {
        await live.discard();
        return noted;
      }
      // A change of wallets meanwhile was told to the live sessions that were noted, and this one was not yet.
      const { version, wallets, kin } = noted.value.record;
      if (walletsDiffer(record, noted.value.record))
        await live.walletsChanged(String(record.uid), { version, wallets, kin });
      return ok(created);
    },

    /** Approves a join and notes it. */
    note: noteWithRoom,
  };
}
