import { closeCodes } from '../protocol.ts';
import {
  afterReading,
  afterSending,
  type Backlog,
  isMarkDue,
  MOST_UNREAD_IN_ROOM_BYTES,
  mayTake,
  noBacklog,
  unreadBytes,
  withMark,
} from './backlog.ts';
import type { Sockets } from './sockets.ts';

/** How exactly a hibernating socket remembers what was sent: it counts so many bytes too much, and never too few. */
const REMEMBERED_IN_STEPS_OF = 4_096;

export type Backlogs = ReturnType<typeof openBacklogs>;

/**
 * Bounds what waits in memory for peers that do not read. The runtime does not say how much that is, and closing a socket
 * frees nothing until the peer's end is gone. So a peer that does not send its marks back gets nothing more.
 */
export function openBacklogs(sockets: Sockets) {
  const backlogs = new WeakMap<WebSocket, Backlog>();

  const backlogOf = (socket: WebSocket): Backlog =>
    backlogs.get(socket) ?? sockets.attachmentOf(socket)?.backlog ?? noBacklog;

  function put(socket: WebSocket, backlog: Backlog): void {
    backlogs.set(socket, backlog);
    const attachment = sockets.attachmentOf(socket);
    if (!attachment) return;
    const { backlog: remembered } = attachment;
    const isRemembered =
      remembered !== undefined &&
      remembered.sent >= backlog.sent &&
      remembered.read === backlog.read &&
      remembered.marks.length === backlog.marks.length;
    if (isRemembered) return;
    const sent = Math.ceil((backlog.sent + 1) / REMEMBERED_IN_STEPS_OF) * REMEMBERED_IN_STEPS_OF;
    socket.serializeAttachment({ ...attachment, backlog: { ...backlog, sent } });
  }

  const drop = (socket: WebSocket) =>
    sockets.close(socket, closeCodes.behind, 'does not read what it is sent');

  /** Sends a text of so many bytes, and a mark where one is due. `encodeMark` makes the frame. */
  function send(socket: WebSocket, text: string, bytes: number, encodeMark: (mark: number) => string): void {
    const before = backlogOf(socket);
    if (!mayTake(before, bytes)) {
      drop(socket);
      return;
    }
    sockets.send(socket, text);
    const after = afterSending(before, bytes);
    if (!isMarkDue(after)) {
      put(socket, after);
      return;
    }
    const mark = randomMark();
    const frame = encodeMark(mark);
    sockets.send(socket, frame);
    put(socket, withMark(afterSending(after, frame.length), mark));
  }

  return {
    send,

    /** Closes those furthest behind until the rest of these sockets keeps within the bound for all. */
    bound(open: readonly WebSocket[]): void {
      const behind = open.map(socket => ({ socket, unread: unreadBytes(backlogOf(socket)) }));
      let total = behind.reduce((sum, { unread }) => sum + unread, 0);
      if (total <= MOST_UNREAD_IN_ROOM_BYTES) return;
      for (const { socket, unread } of behind.toSorted((a, b) => b.unread - a.unread)) {
        if (total <= MOST_UNREAD_IN_ROOM_BYTES) return;
        drop(socket);
        total -= unread;
      }
    },

    /** A mark came back; false where it is not one this socket was sent. */
    acknowledge(socket: WebSocket, mark: number): boolean {
      const after = afterReading(backlogOf(socket), mark);
      if (after) put(socket, after);
      return after !== null;
    },
  };
}

/** 52 random bits: a number that a peer can only know by reading it. */
function randomMark(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low;
}
