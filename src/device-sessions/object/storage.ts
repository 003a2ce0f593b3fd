import type { Row } from '../../platform/object-sql.ts';
import { openSchema } from '../../platform/schema.ts';
import type { StoredBan, UserRecord } from '../../users/contract.ts';
import type { DeviceSession } from '../contract.ts';
import { LEGACY_TABLE, steps } from './schema.ts';

export type DeviceSessionsStorage = ReturnType<typeof openStorage>;

interface SessionRow extends Row {
  id: string;
  detail: string;
}

/**
 * What one user's `DeviceSessions` keeps: the copy of the record, since when the user is erased, the ban and the epoch (a
 * row or none each), and the device sessions. The notes about live sessions are in `notes.ts`. An object that has no tables
 * yet reads as empty; the first change makes them.
 */
export function openStorage(storage: DurableObjectStorage) {
  const { sql } = storage;
  const schema = openSchema(storage, steps, LEGACY_TABLE);
  let exists = schema.exists();

  const rows = <T extends Row>(query: string, ...values: SqlStorageValue[]): T[] =>
    exists ? sql.exec<T>(query, ...values).toArray() : [];
  const toSession = (row: SessionRow): DeviceSession => JSON.parse(row.detail);

  return {
    exists: (): boolean => exists,

    /** One transaction, in tables that are there. */
    change(change: () => void): void {
      storage.transactionSync(() => {
        if (!exists) schema.create();
        change();
      });
      exists = true;
    },

    record(): UserRecord | null {
      const [row] = rows<{ record: string }>('SELECT record FROM copy');
      return row ? JSON.parse(row.record) : null;
    },
    putRecord(record: UserRecord): void {
      sql.exec('INSERT OR REPLACE INTO copy (one, record) VALUES (1, ?)', JSON.stringify(record));
    },

    /** 0 until it is raised for the first time. */
    epoch(): number {
      return rows<{ value: number }>('SELECT value FROM epoch')[0]?.value ?? 0;
    },
    raiseEpoch(): void {
      sql.exec('INSERT INTO epoch (one, value) VALUES (1, 1) ON CONFLICT DO UPDATE SET value = value + 1');
    },

    erasedAt(): number | null {
      return rows<{ at: number }>('SELECT at FROM erased')[0]?.at ?? null;
    },
    putErased(now: number): void {
      sql.exec('INSERT OR IGNORE INTO erased (one, at) VALUES (1, ?)', now);
    },
    /** Everything except that the user was erased. */
    clear(): void {
      for (const table of ['copy', 'epoch', 'ban', 'sessions', 'notes', 'visited', 'outbox'])
        sql.exec(`DELETE FROM ${table}`);
    },
    /** Everything, the alarm included. */
    async deleteAll(): Promise<void> {
      exists = false;
      await storage.deleteAll();
    },

    ban(): StoredBan | null {
      return rows<Row & StoredBan>('SELECT reason, until, since, keyId FROM ban')[0] ?? null;
    },
    putBan({ reason, until, since, keyId }: StoredBan): void {
      const columns = 'one, reason, until, since, keyId';
      sql.exec(`INSERT OR REPLACE INTO ban (${columns}) VALUES (1, ?, ?, ?, ?)`, reason, until, since, keyId);
    },
    deleteBan(): void {
      if (exists) sql.exec('DELETE FROM ban');
    },

    session(id: string): DeviceSession | null {
      const [row] = rows<SessionRow>('SELECT id, detail FROM sessions WHERE id = ?', id);
      return row ? toSession(row) : null;
    },
    /** The oldest first. */
    sessions(): DeviceSession[] {
      return rows<SessionRow>('SELECT id, detail FROM sessions ORDER BY opened').map(toSession);
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
    deleteSession(id: string): void {
      sql.exec('DELETE FROM sessions WHERE id = ?', id);
    },
  };
}
