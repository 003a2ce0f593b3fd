import { type Actor, BY_SYSTEM, type DeviceSessionEnd } from '../../events/types.ts';
import { logEvent } from '../../log.ts';
import type { Outbox } from '../../platform/outbox.ts';
import { ok, type Result } from '../../result.ts';
import type { Ended, EndedSome, Notice, PresentedSession, Standing, Which } from '../contract.ts';
import type { Over } from '../copy-rules.ts';
import { mayForget } from '../deadline-rules.ts';
import { chooseEnding, endsAll, speakerOf } from '../ending-rules.ts';
import { overOf, withoutOthers } from '../rules.ts';
import type { Notes } from './notes.ts';
import type { DeviceSessionsStorage } from './storage.ts';

export type DeviceSessionsOutbox = Outbox<'live_session', Notice>;

interface EndingsParts {
  storage: DeviceSessionsStorage;
  notes: Notes;
  outbox: DeviceSessionsOutbox;
  standing: (presented: PresentedSession) => Result<Standing, 'session_ended'>;
  /** One transaction, and the alarm that follows from it. */
  change: (change: () => void) => void;
}

export type Endings = ReturnType<typeof makeEndings>;

/**
 * How device sessions end, and how the live sessions joined through them hear of it. The news is written in the
 * transaction that ends, told at once and awaited for a moment, and told again by the alarm until it was heard.
 */
export function makeEndings({ storage, notes, outbox, standing, change }: EndingsParts) {
  const liveSession = (id: string) => ({ kind: 'live_session', id }) as const;

  /** Within a transaction: each of these device sessions is no more, and the live sessions are to hear of it. */
  function put(ending: readonly Over[], by: Actor, now: number): void {
    const uid = storage.record()?.uid ?? null;
    for (const { id: sid, cause } of ending) {
      for (const liveId of notes.of(sid))
        outbox.put(liveSession(liveId), `signed_out ${sid}`, { kind: 'signed_out', sid }, now);
      notes.deleteOf(sid);
      storage.deleteSession(sid);
      logEvent('device_session_ended', { uid, sid, cause, by: by.kind });
    }
  }

  /** True where nothing is left to tell, also of earlier endings. An ending asked for again is answered by the truth. */
  const deliver = async (): Promise<boolean> => !storage.exists() || outbox.deliver();

  const all = (cause: DeviceSessionEnd): Over[] => storage.sessions().map(({ id }) => ({ id, cause }));

  return {
    put,
    all,
    deliver,

    /** Ends device sessions. Where one of them asks for the end of others, it must stand: `session_ended`. */
    async end(which: Which, cause: DeviceSessionEnd, by: Actor): Promise<Result<EndedSome, 'session_ended'>> {
      const speaker = speakerOf(which);
      const spoken = speaker === null ? ok(null) : standing(speaker);
      if (!spoken.ok) return spoken;
      const now = Date.now();
      const { ending, missing } = chooseEnding(which, storage.sessions(), now);
      const raises = endsAll(which);
      if (ending.length > 0 || raises) {
        change(() => {
          if (raises) storage.raiseEpoch();
          const asking = which.kind === 'others' ? storage.session(which.presented.sid) : null;
          if (asking && speaker) storage.updateSession(withoutOthers(asking, speaker, now));
          const over = ending.map(id => ({ id, cause }));
          put(over, by, now);
        });
      }
      return ok({ everywhere: await deliver(), missing });
    },

    /** Ends every device session of a user who is being erased; every live session they ever visited hears of it. */
    async erase(by: Actor): Promise<Ended> {
      const now = Date.now();
      change(() => {
        const visited = storage.erasedAt() === null ? notes.visited() : [];
        storage.putErased(now);
        storage.raiseEpoch();
        put(all('erased'), by, now);
        for (const liveId of visited) outbox.put(liveSession(liveId), 'erased', { kind: 'erased' }, now);
      });
      return { everywhere: await deliver() };
    },

    /** The alarm's part: ends what has run out and tells who has not heard. Of an erased user, forgets the last trace. */
    async finish(): Promise<void> {
      const now = Date.now();
      const erasedAt = storage.erasedAt();
      if (erasedAt === null) {
        const over = overOf(storage.sessions(), now);
        change(() => put(over, BY_SYSTEM, now));
        await deliver();
        return;
      }
      const everywhere = await deliver();
      if (everywhere && storage.record() === null && mayForget(erasedAt, now)) await storage.deleteAll();
    },
  };
}
