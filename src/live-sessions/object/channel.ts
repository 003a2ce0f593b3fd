import { type CloseCode, encodeFrame, type Frame } from '../protocol.ts';
import type { Backlogs } from './backlogs.ts';
import { countChange, noChanges, settlesInMs } from './member-changes.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage } from './storage.ts';

/** What may change so fast that naming each change would flood the session; each is counted by itself. */
type Topic = 'members' | 'files' | 'rules' | 'host';

export type Channel = ReturnType<typeof openChannel>;

/** Speaks to the sockets of one live session. */
export function openChannel(
  sessionId: string,
  sockets: Sockets,
  backlogs: Backlogs,
  storage: LiveSessionStorage,
) {
  const topics = new Map<Topic, { changes: typeof noChanges; isDue: boolean }>();

  /** A frame to a single socket is no event of the room: it carries the number of the latest. */
  const encode = (frame: Frame): string =>
    encodeFrame(sessionId, storage.exists() ? storage.lastSeq() : 0, Date.now(), frame);
  const encodeMark = (mark: number): string => encode({ eventType: 'Mark', data: { mark } });

  function deliver(to: readonly WebSocket[], text: string): void {
    const bytes = new TextEncoder().encode(text).length;
    for (const socket of to) backlogs.send(socket, text, bytes, encodeMark);
    backlogs.bound(to.length > 1 ? to : []);
  }

  const tell = (socket: WebSocket, frame: Frame): void => deliver([socket], encode(frame));

  /** Writes what happened, and tells every socket. */
  function broadcast(frame: Frame): void {
    const now = Date.now();
    const text = encodeFrame(sessionId, storage.putEvent(frame, now), now, frame);
    deliver(sockets.all(), text);
  }

  function tellLatest(topic: Topic, latest: () => Frame | null): void {
    topics.set(topic, { changes: topics.get(topic)?.changes ?? noChanges, isDue: false });
    const isOver = !storage.exists() || storage.ended() !== null;
    const frame = isOver ? null : latest();
    if (frame) broadcast(frame);
  }

  return {
    tell,
    broadcast,

    /** Sends an event again, as it was told. */
    repeat(socket: WebSocket, seq: number, at: number, frame: Frame): void {
      deliver([socket], encodeFrame(sessionId, seq, at, frame));
    },

    /** Tells these sockets why, and closes them. */
    dismiss(dismissed: readonly WebSocket[], { frame, code }: { frame: Frame; code: CloseCode }): void {
      for (const socket of dismissed) {
        tell(socket, frame);
        sockets.close(socket, code, frame.eventType);
      }
    },

    /**
     * Tells every socket of a change. Of more than 20 in a second on one topic, only what holds afterwards is told, once
     * the second is over: `latest` makes that frame.
     */
    announce(topic: Topic, frame: Frame, latest: () => Frame | null): void {
      const now = Date.now();
      const known = topics.get(topic) ?? { changes: noChanges, isDue: false };
      const { counted, tooMany } = countChange(known.changes, now);
      const waits = tooMany && !known.isDue;
      topics.set(topic, { changes: counted, isDue: known.isDue || waits });
      if (!tooMany) broadcast(frame);
      else if (waits) setTimeout(() => tellLatest(topic, latest), settlesInMs(counted, now));
    },
  };
}
