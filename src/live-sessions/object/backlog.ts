/** What was sent to a socket and is not known to be read: decisions over counts of bytes. */

/** After so many bytes a socket gets a mark, which only a peer that reads can send back. */
const MARK_EVERY_BYTES = 256 * 1024;
/** A socket that is so far behind hears nothing more. */
const MOST_UNREAD_BYTES = 1024 * 1024;
/** All open sockets of a live session together; those furthest behind are closed first. */
export const MOST_UNREAD_IN_ROOM_BYTES = 32 * 1024 * 1024;

export interface Backlog {
  /** Bytes sent to this socket. */
  sent: number;
  /** Of these, the bytes the peer is known to have read. */
  read: number;
  /** The marks that have not come back, each with the bytes sent until then. */
  marks: readonly (readonly [mark: number, sent: number])[];
}

export const noBacklog: Backlog = { sent: 0, read: 0, marks: [] };

export const unreadBytes = ({ sent, read }: Backlog): number => sent - read;

/** Whether so many bytes more may be sent. */
export const mayTake = (backlog: Backlog, bytes: number): boolean =>
  unreadBytes(backlog) + bytes <= MOST_UNREAD_BYTES;

export const afterSending = (backlog: Backlog, bytes: number): Backlog => ({
  ...backlog,
  sent: backlog.sent + bytes,
});

export function isMarkDue({ sent, read, marks }: Backlog): boolean {
  return sent - (marks.at(-1)?.[1] ?? read) >= MARK_EVERY_BYTES;
}

export const withMark = (backlog: Backlog, mark: number): Backlog => ({
  ...backlog,
  marks: [...backlog.marks, [mark, backlog.sent]],
});

/** The backlog once a mark came back: what was sent until then is read. Null for a mark that is not awaited. */
export function afterReading({ sent, marks }: Backlog, mark: number): Backlog | null {
  const index = marks.findIndex(([awaited]) => awaited === mark);
  const found = marks[index];
  return found ? { sent, read: found[1], marks: marks.slice(index + 1) } : null;
}
