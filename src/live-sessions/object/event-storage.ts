import { firstRow } from '../../platform/object-sql.ts';
import { MINUTE_MS } from '../../times.ts';
import type { Frame } from '../protocol.ts';

const MOST_EVENTS = 512;
const EVENTS_KEPT_MS = 10 * MINUTE_MS;
const MOST_BYTES = 1024 * 1024;

/** What happened in the room, as it was told. */
export interface RoomEvent {
  seq: number;
  /** Epoch ms. */
  at: number;
  frame: Frame;
}

/** What a frame told, without who an erased person was: their id is another's, and their name and address are gone. */
function withoutPerson(text: string, id: string, erasedId: string): string {
  return JSON.stringify(
    JSON.parse(text, (_, value) => {
      if (value === id) return erasedId;
      const isPerson = value !== null && typeof value === 'object' && value.id === erasedId;
      return isPerson ? { ...value, name: '', address: null } : value;
    }),
  );
}

/** The last events of a live session, for those who reconnect, and the number of the latest. */
export function openEventStorage(sql: SqlStorage) {
  let bytes: number | null = null;

  const bytesKept = (): number =>
    firstRow<{ n: number }>(sql, 'SELECT coalesce(sum(length(frame)), 0) AS n FROM events')?.n ?? 0;

  function forget(where: string, ...values: SqlStorageValue[]): void {
    const gone = sql.exec<{ n: number }>(
      `DELETE FROM events ${where} RETURNING length(frame) AS n`,
      ...values,
    );
    for (const { n } of gone) bytes = (bytes ?? 0) - n;
  }

  /** The number of the next event. */
  function nextSeq(): number {
    return sql.exec<{ seq: number }>('UPDATE counter SET seq = seq + 1 RETURNING seq').one().seq;
  }

  return {
    nextSeq,
    /** The number of the latest event. */
    lastSeq: (): number => firstRow<{ seq: number }>(sql, 'SELECT seq FROM counter')?.seq ?? 0,

    /** Writes an event; its number. */
    putEvent(frame: Frame, now: number): number {
      const seq = nextSeq();
      const text = JSON.stringify(frame);
      bytes ??= bytesKept();
      sql.exec('INSERT INTO events (seq, at, frame) VALUES (?, ?, ?)', seq, now, text);
      bytes += text.length;
      forget('WHERE seq <= ? OR at < ?', seq - MOST_EVENTS, now - EVENTS_KEPT_MS);
      while (bytes > MOST_BYTES) forget('WHERE seq = (SELECT min(seq) FROM events)');
      return seq;
    },

    /** Takes somebody erased out of every event. The events stay, so that others can still resume. */
    erasePerson(id: string, erasedId: string): void {
      const rows = sql
        .exec<{ seq: number; frame: string }>(
          'SELECT seq, frame FROM events WHERE instr(frame, ?) > 0',
          JSON.stringify(id),
        )
        .toArray();
      for (const { seq, frame } of rows) {
        sql.exec('UPDATE events SET frame = ? WHERE seq = ?', withoutPerson(frame, id, erasedId), seq);
      }
      bytes = null;
    },

    /** Every event after this one, in order; null where some are kept no longer. */
    eventsAfter(after: number, now: number): RoomEvent[] | null {
      const rows = sql
        .exec<{ seq: number; at: number; frame: string }>(
          'SELECT seq, at, frame FROM events WHERE seq > ? AND at >= ? ORDER BY seq',
          after,
          now - EVENTS_KEPT_MS,
        )
        .toArray();
      if (rows.length !== this.lastSeq() - after) return null;
      return rows.map(({ seq, at, frame }) => ({ seq, at, frame: JSON.parse(frame) }));
    },
  };
}
