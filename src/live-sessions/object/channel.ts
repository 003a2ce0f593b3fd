import { type CloseCode, encodeFrame, type Frame } from '../protocol.ts';
import { countChange, noChanges, settlesInMs } from './member-changes.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage } from './storage.ts';

export type Channel = ReturnType<typeof openChannel>;

/** Speaks to the sockets of one live session. */
export function openChannel(sessionId: string, sockets: Sockets, storage: LiveSessionStorage) {
  let changes = noChanges;
  let countIsDue = false;

  const encode = (frame: Frame): string =>
    encodeFrame(sessionId, storage.exists() ? storage.nextSeq() : 0, Date.now(), frame);

  function tell(socket: WebSocket, frame: Frame): void {
    sockets.send(socket, encode(frame));
  }

  function broadcast(frame: Frame): void {
    const open = sockets.all();
    if (open.length === 0) return;
    const text = encode(frame);
    for (const socket of open) sockets.send(socket, text);
  }

  function tellCount(): void {
    countIsDue = false;
    const state = storage.exists() ? storage.state() : null;
    if (state) broadcast({ eventType: 'MembersChanged', data: { userCount: state.userCount } });
  }

  return {
    tell,
    broadcast,

    /** Tells these sockets why, and closes them. */
    dismiss(dismissed: readonly WebSocket[], { frame, code }: { frame: Frame; code: CloseCode }): void {
      for (const socket of dismissed) {
        tell(socket, frame);
        sockets.close(socket, code, frame.eventType);
      }
    },

    /**
     * Names a member who came or went. While dozens come and go, tells the count once a second instead. The one who came
     * has no socket yet, the one who went has none left.
     */
    announce(frame: Frame<'UserAdded' | 'UserRemoved'>): void {
      const now = Date.now();
      const { counted, tooMany } = countChange(changes, now);
      changes = counted;
      if (!tooMany) broadcast(frame);
      else if (!countIsDue) {
        countIsDue = true;
        setTimeout(tellCount, settlesInMs(counted, now));
      }
    },
  };
}
