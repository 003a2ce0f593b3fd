import { DAY_MS } from '../../times.ts';

/** A live session lasts a week, unless its host puts the end off. The list of a busy visitor is cut short. */
const VISIT_KEPT_MS = 30 * DAY_MS;
const MOST_VISITS = 1_000;

export type Notes = ReturnType<typeof makeNotes>;

/**
 * Which live sessions were joined through which device session (`notes`; `claims` counts the joins under way or done),
 * and where the user ever was (`visited`, so that an erasure reaches those too). `exists`: whether the tables are there.
 */
export function makeNotes(sql: SqlStorage, exists: () => boolean) {
  const ids = (query: string, ...values: SqlStorageValue[]): string[] =>
    exists()
      ? sql
          .exec<{ liveId: string }>(query, ...values)
          .toArray()
          .map(row => row.liveId)
      : [];

  return {
    /** The live sessions that some device session is noted to be in. */
    all: (): string[] => ids('SELECT DISTINCT liveId FROM notes'),
    /** Those where the last join was noted before this instant. */
    before: (at: number): string[] =>
      ids('SELECT liveId FROM notes GROUP BY liveId HAVING max(lastAt) < ?', at),
    /** Those that this device session is noted to be in. */
    of: (sid: string): string[] => ids('SELECT liveId FROM notes WHERE sid = ?', sid),
    /** Those where something may be known of the user. */
    visited: (): string[] => ids('SELECT liveId FROM visited'),

    put(liveId: string, sid: string, now: number): void {
      sql.exec('INSERT OR REPLACE INTO visited (liveId, at) VALUES (?, ?)', liveId, now);
      sql.exec(
        `DELETE FROM visited WHERE at <= ? OR liveId IN
           (SELECT liveId FROM visited ORDER BY at DESC LIMIT -1 OFFSET ?)`,
        now - VISIT_KEPT_MS,
        MOST_VISITS,
      );
      sql.exec(
        `INSERT INTO notes (liveId, sid, claims, firstAt, lastAt) VALUES (?, ?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET claims = claims + 1, lastAt = excluded.lastAt`,
        liveId,
        sid,
        now,
        now,
      );
    },

    /** One claim less. A note made since then belongs to a later join, and stays. */
    withdraw(liveId: string, sid: string, notedAt: number): void {
      if (!exists()) return;
      sql.exec(
        'UPDATE notes SET claims = claims - 1 WHERE liveId = ? AND sid = ? AND firstAt <= ?',
        liveId,
        sid,
        notedAt,
      );
      sql.exec('DELETE FROM notes WHERE liveId = ? AND sid = ? AND claims <= 0', liveId, sid);
    },

    /** Forgets a live session, except for a join noted since `notedUntil`. */
    forget(liveId: string, notedUntil: number): void {
      sql.exec('DELETE FROM notes WHERE liveId = ? AND lastAt <= ?', liveId, notedUntil);
    },

    /** Forgets what was noted of a device session that ends. */
    deleteOf(sid: string): void {
      sql.exec('DELETE FROM notes WHERE sid = ?', sid);
    },
  };
}
