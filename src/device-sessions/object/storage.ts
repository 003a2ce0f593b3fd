import type { Ban, UserRecord } from '../../users/contract.ts';
import type { DeviceSession } from '../contract.ts';

/** A notice to a live session that a device session joined through has ended. */
export interface Delivery {
  liveId: string;
  sid: string;
  attempts: number;
}

/** A live session lasts a week, unless its host puts the end off; who visits more than anybody could is cut short. */
const VISIT_KEPT_MS = 30 * 24 * 60 * 60_000;
const MOST_VISITS = 1_000;

export type DeviceSessionsStorage = ReturnType<typeof openStorage>;

interface SessionRow extends Record<string, SqlStorageValue> {
  id: string;
  detail: string;
}

/**
 * What one user's `DeviceSessions` keeps: the copy of the record (one row), since when they are erased, the ban (one row or none), the device sessions, which live
 * sessions were joined through which of them (`notes`; `claims` counts the joins under way or done), where the user
 * ever was (`visited`, for erasure's sake), and the
 * outbox of ends not yet delivered.
 */
export function openStorage({ sql }: DurableObjectStorage) {
  const toSession = (row: SessionRow): DeviceSession => JSON.parse(row.detail);

  return {
    exists(): boolean {
      return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'sessions'").toArray().length > 0;
    },

    createTables(): void {
      sql.exec(`
        CREATE TABLE IF NOT EXISTS copy (one INTEGER PRIMARY KEY CHECK (one = 1), record TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS erased (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS ban (one INTEGER PRIMARY KEY CHECK (one = 1), reason TEXT, until INTEGER);
        CREATE TABLE IF NOT EXISTS sessions
          (id TEXT PRIMARY KEY, opened INTEGER NOT NULL, detail TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS notes
          (liveId TEXT, sid TEXT, claims INTEGER NOT NULL, firstAt INTEGER NOT NULL, lastAt INTEGER NOT NULL,
           PRIMARY KEY (liveId, sid));
        CREATE TABLE IF NOT EXISTS visited (liveId TEXT PRIMARY KEY, at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS outbox
          (liveId TEXT, sid TEXT, attempts INTEGER NOT NULL, dueAt INTEGER NOT NULL, PRIMARY KEY (liveId, sid));
      `);
    },

    record(): UserRecord | null {
      const [row] = sql.exec<{ record: string }>('SELECT record FROM copy').toArray();
      return row ? JSON.parse(row.record) : null;
    },
    putRecord(record: UserRecord): void {
      sql.exec('INSERT OR REPLACE INTO copy (one, record) VALUES (1, ?)', JSON.stringify(record));
    },

    /** Every live session where something may be known of the user is to hear that they are erased. */
    putErasureNews(dueAt: number): void {
      sql.exec(
        "INSERT OR IGNORE INTO outbox (liveId, sid, attempts, dueAt) SELECT liveId, '', 0, ? FROM visited",
        dueAt,
      );
    },
    erasedAt(): number | null {
      const [row] = sql.exec<{ at: number }>('SELECT at FROM erased').toArray();
      return row?.at ?? null;
    },
    putErased(now: number): void {
      sql.exec('INSERT OR IGNORE INTO erased (one, at) VALUES (1, ?)', now);
    },
    /** Everything but that the user was erased. */
    clear(): void {
      for (const table of ['copy', 'ban', 'sessions', 'notes', 'visited', 'outbox'])
        sql.exec(`DELETE FROM ${table}`);
    },

    ban(): Ban | null {
      const [row] = sql
        .exec<{ reason: string | null; until: number | null }>('SELECT reason, until FROM ban')
        .toArray();
      return row ?? null;
    },
    putBan({ reason, until }: Ban): void {
      sql.exec('INSERT OR REPLACE INTO ban (one, reason, until) VALUES (1, ?, ?)', reason, until);
    },
    deleteBan(): void {
      sql.exec('DELETE FROM ban');
    },

    session(id: string): DeviceSession | null {
      const [row] = sql.exec<SessionRow>('SELECT id, detail FROM sessions WHERE id = ?', id).toArray();
      return row ? toSession(row) : null;
    },
    /** The oldest first. */
    sessions(): DeviceSession[] {
      return sql.exec<SessionRow>('SELECT id, detail FROM sessions ORDER BY opened').toArray().map(toSession);
    },
    insertSession(session: DeviceSession): void {
      sql.exec(
        'INSERT INTO sessions (id, opened, detail) SELECT ?, coalesce(max(opened), 0) + 1, ? FROM sessions',
        session.id,
        JSON.stringify(session),
      );
    },
    updateSession(session: DeviceSession): void {
      sql.exec('UPDATE sessions SET detail = ? WHERE id = ?', JSON.stringify(session), session.id);
    },

    /** Ends a device session: its row goes, and every live session it was used to join gets a line in the outbox. */
    endSession(id: string, dueAt: number): void {
      sql.exec(
        'INSERT OR IGNORE INTO outbox (liveId, sid, attempts, dueAt) SELECT liveId, sid, 0, ? FROM notes WHERE sid = ?',
        dueAt,
        id,
      );
      sql.exec('DELETE FROM notes WHERE sid = ?', id);
      sql.exec('DELETE FROM sessions WHERE id = ?', id);
    },

    notedLiveSessions(): string[] {
      return sql
        .exec<{ liveId: string }>('SELECT DISTINCT liveId FROM notes')
        .toArray()
        .map(row => row.liveId);
    },
    note(liveId: string, sid: string, now: number): void {
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
    /** One claim less; a note made anew since then is somebody else's. */
    withdrawNote(liveId: string, sid: string, notedAt: number): void {
      sql.exec(
        'UPDATE notes SET claims = claims - 1 WHERE liveId = ? AND sid = ? AND firstAt <= ?',
        liveId,
        sid,
        notedAt,
      );
      sql.exec('DELETE FROM notes WHERE liveId = ? AND sid = ? AND claims <= 0', liveId, sid);
    },
    /** Forgets a live session, but for a join noted since. */
    forgetLiveSession(liveId: string, notedUntil: number): void {
      sql.exec('DELETE FROM notes WHERE liveId = ? AND lastAt <= ?', liveId, notedUntil);
    },

    outbox(): Delivery[] {
      return sql
        .exec<{ liveId: string; sid: string; attempts: number }>('SELECT liveId, sid, attempts FROM outbox')
        .toArray();
    },
    nextDeliveryAt(): number | null {
      return sql.exec<{ dueAt: number | null }>('SELECT min(dueAt) AS dueAt FROM outbox').one().dueAt;
    },
    delivered({ liveId, sid }: Delivery): void {
      sql.exec('DELETE FROM outbox WHERE liveId = ? AND sid = ?', liveId, sid);
    },
    tried({ liveId, sid, attempts }: Delivery, dueAt: number): void {
      sql.exec(
        'UPDATE outbox SET attempts = ?, dueAt = ? WHERE liveId = ? AND sid = ?',
        attempts + 1,
        dueAt,
        liveId,
        sid,
      );
    },
  };
}
