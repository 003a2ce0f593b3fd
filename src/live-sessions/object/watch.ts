import { closeCodes } from '../protocol.ts';
import { hostTimeoutOf, LOOK_EVERY_MS, SILENT_MS, silentAt } from './silence-rules.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage } from './storage.ts';
import type { Live } from './views.ts';

export type Watch = ReturnType<typeof openWatch>;

/**
 * Knows which members have a socket that lives. Sockets are looked at when the object runs anyway, and by the alarm only
 * where a deadline depends on one. Until `dueAt` no socket can have been silent for too long, so nothing is looked at.
 */
export function openWatch(sockets: Sockets, storage: LiveSessionStorage) {
  let lookedAt = 0;
  let dueAt = 0;

  /** Closes what is half-open; when the next socket may be. */
  function closeSilent(now: number): number {
    let next = now + SILENT_MS;
    for (const socket of sockets.all()) {
      const at = silentAt(sockets.signsOf(socket));
      if (at !== null && now >= at) sockets.close(socket, closeCodes.behind, 'silent for 90 s, reconnect');
      else next = Math.min(next, at ?? next);
    }
    return next;
  }

  return {
    /**
     * Looks, where it is time: whether somebody came or went by that. A crash or a deploy closes sockets without a close
     * event; who was online then has the whole time to come back, too.
     */
    look(now: number): boolean {
      if (now < dueAt) return false;
      dueAt = closeSilent(now);
      lookedAt = now;
      const [open, noted] = [sockets.mids(), new Set(storage.onlineMids())];
      const came = [...open].filter(mid => !noted.has(mid));
      const gone = [...noted].filter(mid => !open.has(mid));
      for (const mid of came) storage.putOnline(mid, now);
      for (const mid of gone) storage.putOffline(mid, now);
      return came.length + gone.length > 0;
    },

    /** A socket was opened, which may be silent from now on. */
    opened(now: number): void {
      dueAt = Math.min(dueAt, now + SILENT_MS);
    },

    /** When the alarm is to look, where a seat or the host's role depends on a socket; null where none does. */
    nextLookAt({ session, state }: Live): number | null {
      const depends =
        (session.memberTimeoutMs > 0 && storage.isSomebodyOnline()) ||
        storage.isGuestOnline() ||
        (state.host !== null && hostTimeoutOf(session) > 0 && storage.canPassRole(state.host));
      return depends ? Math.max(dueAt, lookedAt + LOOK_EVERY_MS) : null;
    },
  };
}
