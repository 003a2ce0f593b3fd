import type { MemberView } from '../contract.ts';
import { type CloseCode, encodeFrame, type Frame, type RemovalReason } from '../protocol.ts';
import { calm, countChange, settlesInMs } from './churn.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage } from './storage.ts';

export type Channel = ReturnType<typeof openChannel>;

/** Speaks to the sockets of one live session. `storage` is null once the session is gone. */
export function openChannel(sessionId: string, sockets: Sockets, storage: () => LiveSessionStorage | null) {
  let churn = calm;
  let countIsDue = false;

  const encode = (frame: Frame): string =>
    encodeFrame(sessionId, storage()?.nextSeq() ?? 0, Date.now(), frame);

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
    const state = storage()?.state();
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
     * Names a member who came or went; while they come and go by dozens, tells the count once a second instead.
     * The one who came has no socket yet, the one who went has none left.
     */
    announce(eventType: 'UserAdded' | 'UserRemoved', data: MemberView & { reason?: RemovalReason }): void {
      const now = Date.now();
      const counted = countChange(churn, now);
      churn = counted.churn;
      if (!counted.drowning) broadcast({ eventType, data });
      else if (!countIsDue) {
        countIsDue = true;
        setTimeout(tellCount, settlesInMs(churn, now));
      }
    },
  };
}
