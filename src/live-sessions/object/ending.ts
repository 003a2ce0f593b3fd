import { type Actor, BY_SYSTEM, type LiveSessionEnd } from '../../events/types.ts';
import { logEvent } from '../../log.ts';
import { ok, type Result, refuse } from '../../result.ts';
import { closeCodes, type Frame } from '../protocol.ts';
import type { Files } from './files.ts';
import { over } from './lifetime-rules.ts';
import type { RoomParts } from './room-parts.ts';
import type { Live } from './views.ts';

/** When the cleaning of an ended session is tried again, after a crash or where R2 did not answer. */
const CLEANING_RETRY_MS = 30_000;

/** Whether one live session stands, and how it ends. */
export function openEnding({ sessionId, ctx, storage, sockets, channel, alarm }: RoomParts, files: Files) {
  let ending: Promise<void> | null = null;

  /**
   * Tells everybody, closes every socket and leaves nothing. That it has ended is written first, with an alarm: after
   * a crash halfway there is only cleaning up to do, and an ended id cannot come back to life.
   */
  async function finish(cause: LiveSessionEnd, actor: Actor): Promise<void> {
    if (storage.ended() === null) {
      storage.putEnded(cause);
      logEvent('live_session_ended', { liveId: sessionId, cause, by: actor.kind });
      const frame: Frame = {
        eventType: cause === 'expired' ? 'SessionExpired' : 'SessionDestroyed',
        data: {},
      };
      storage.nextSeq();
      channel.dismiss(sockets.all(), { frame, code: closeCodes.sessionEnded });
    }
    alarm.set({ cleaning: Date.now() + CLEANING_RETRY_MS });
    if (await files.discard(files.keys())) await storage.deleteAll();
  }

  /** Ends the session once, however many ask for it. */
  function end(cause: LiveSessionEnd, actor: Actor): Promise<void> {
    if (!storage.exists()) return Promise.resolve();
    ending ??= finish(cause, actor).finally(() => {
      ending = null;
    });
    return ending;
  }

  return {
    end,

    /** The end that is under way, if one is. */
    underWay: () => ending,

    /** The session, or `live_session_not_found` where there is none or it is over. One that is over is cleaned up. */
    live(now: number): Result<Live, 'live_session_not_found'> {
      const session = storage.exists() ? storage.session() : null;
      const state = session && storage.state();
      if (!session || !state) return refuse('live_session_not_found');
      const cause = storage.ended() ?? over(session, state, now);
      if (cause === null) return ok({ session, state });
      ctx.waitUntil(end(cause, BY_SYSTEM));
      return refuse('live_session_not_found');
    },
  };
}
