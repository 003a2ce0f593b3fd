import { firstRow, type Row } from '../../platform/object-sql.ts';
import { COLUMNS, type Member } from './member-storage.ts';
import type { Presence } from './silence-rules.ts';

interface PresenceRow {
  online: number;
  seenAt: number;
  lostAt: number | null;
  uploading: number;
  guest: number;
}

/** When each member was last heard of, and who has a socket. Columns of `members`. */
export function openPresenceStorage(sql: SqlStorage) {
  const members = (where: string, ...values: SqlStorageValue[]): Member[] =>
    sql.exec<Row & Member>(`SELECT ${COLUMNS} FROM members ${where}`, ...values).toArray();
  const isThere = (where: string, ...values: SqlStorageValue[]): boolean =>
    firstRow(sql, `SELECT 1 FROM members ${where} LIMIT 1`, ...values) !== null;
  const least = (column: 'seenAt' | 'lostAt', where: string): number | null =>
    firstRow<{ at: number | null }>(sql, `SELECT min(${column}) AS at FROM members WHERE ${where}`)?.at ??
    null;

  return {
    /** Of a membership that stands. */
    presenceOf(mid: string): Presence {
      const row = sql
        .exec<Row & PresenceRow>(
          `SELECT online, seenAt, lostAt, guestOf IS NOT NULL AS guest,
             EXISTS (SELECT 1 FROM files WHERE stored = 0 AND doomed = 0 AND files.subject = members.subject) AS uploading
           FROM members WHERE mid = ?`,
          mid,
        )
        .one();
      const { online, seenAt, lostAt, uploading, guest } = row;
      return { online: online === 1, seenAt, lostAt, uploading: uploading === 1, guest: guest === 1 };
    },
    putSeen(mid: string, now: number): void {
      sql.exec('UPDATE members SET seenAt = ? WHERE mid = ?', now, mid);
    },
    /** Everything that counts from the last sign of life counts from now. */
    putStillHere(mid: string, now: number): void {
      sql.exec(
        'UPDATE members SET seenAt = ?1, lostAt = iif(lostAt IS NULL, NULL, ?1) WHERE mid = ?2',
        now,
        mid,
      );
    },
    putOnline(mid: string, now: number): void {
      sql.exec('UPDATE members SET online = 1, seenAt = ?1, lostAt = ?1 WHERE mid = ?2', now, mid);
    },
    /** Whether they were online until now. */
    putOffline(mid: string, now: number): boolean {
      return (
        firstRow(
          sql,
          'UPDATE members SET online = 0, seenAt = ?1, lostAt = ?1 WHERE mid = ?2 AND online = 1 RETURNING 1',
          now,
          mid,
        ) !== null
      );
    },
    everybodySeen(now: number): void {
      sql.exec('UPDATE members SET seenAt = ?', now);
    },

    onlineMids: (): string[] => members('WHERE online = 1').map(({ mid }) => mid),
    isSomebodyOnline: () => isThere('WHERE online = 1'),
    isGuestOnline: () => isThere('WHERE online = 1 AND guestOf IS NOT NULL'),
    /** The longest-standing member with a socket who can host, other than this one. */
    onlineSuccessorOf: (subject: string): Member | null =>
      members('WHERE online = 1 AND subject <> ? AND guestOf IS NULL ORDER BY seat LIMIT 1', subject)[0] ??
      null,
    /** Whether this host and somebody who could follow have a socket. */
    canPassRole: (host: string): boolean =>
      isThere('WHERE online = 1 AND subject = ?', host) &&
      isThere('WHERE online = 1 AND guestOf IS NULL AND subject <> ?', host),

    /** Members who are not online and were last heard of by then. */
    seenUntil: (at: number) => members('WHERE online = 0 AND seenAt <= ? ORDER BY seenAt', at),
    leastSeenAt: () => least('seenAt', 'online = 0'),
    /** Guests who lost their last socket by then, or never had one and were last heard of by then. */
    guestsGone: (lostUntil: number, seenUntil: number) =>
      members(
        'WHERE guestOf IS NOT NULL AND online = 0 AND (lostAt <= ? OR (lostAt IS NULL AND seenAt <= ?))',
        lostUntil,
        seenUntil,
      ),
    guestLeastLostAt: () => least('lostAt', 'guestOf IS NOT NULL AND online = 0'),
    guestLeastSeenAt: () => least('seenAt', 'guestOf IS NOT NULL AND online = 0 AND lostAt IS NULL'),
  };
}
