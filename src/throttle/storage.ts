import { openSchema, type SchemaStep } from '../platform/schema.ts';
import { KNOWN_AT_MOST, KNOWN_LIFE_MS, type Pair, type Window } from './rules.ts';

type Row<T> = { [Key in keyof T]: T[Key] & number };
type PairRow = Row<Omit<Pair, 'pending'>> & { pending: string };

/** As they were when steps began. */
const tables: SchemaStep = sql => {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS span
      (one INTEGER PRIMARY KEY CHECK (one = 1), startedAt INTEGER NOT NULL, endsAt INTEGER NOT NULL,
       failures INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS pairs
      (network TEXT PRIMARY KEY, startedAt INTEGER NOT NULL, endsAt INTEGER NOT NULL,
       failures INTEGER NOT NULL, blockedUntil INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS known (network TEXT PRIMARY KEY, endsAt INTEGER NOT NULL) WITHOUT ROWID;
  `);
};

/** The attempts of a pair that are being judged: the instants of their charges, as JSON. */
const pending: SchemaStep = sql => {
  sql.exec("ALTER TABLE pairs ADD COLUMN pending TEXT NOT NULL DEFAULT '[]'");
};

/** In order. A step is never edited once released; a change is a new one at the end. */
const steps: readonly SchemaStep[] = [tables, pending];

/**
 * What is kept of one subject: its failures in the current span (`span`, one row or none) and, of a username, those
 * of each address (`pairs`) and which addresses had a success (`known`). Tables are made by the first write only.
 */
export function openStorage(storage: DurableObjectStorage) {
  const { sql } = storage;
  const schema = openSchema(storage, steps, 'span');
  let exists = schema.exists();

  return {
    /** One transaction, in tables that are there. */
    change(change: () => void): void {
      storage.transactionSync(() => {
        if (!exists) schema.create();
        change();
      });
      exists = true;
    },

    window(): Window | null {
      if (!exists) return null;
      return sql.exec<Row<Window>>('SELECT startedAt, endsAt, failures FROM span').toArray()[0] ?? null;
    },
    putWindow({ startedAt, endsAt, failures }: Window): void {
      sql.exec(
        'INSERT OR REPLACE INTO span (one, startedAt, endsAt, failures) VALUES (1, ?, ?, ?)',
        startedAt,
        endsAt,
        failures,
      );
    },

    pair(network: string): Pair | null {
      if (!exists) return null;
      const query = 'SELECT startedAt, endsAt, failures, blockedUntil, pending FROM pairs WHERE network = ?';
      const [row] = sql.exec<PairRow>(query, network).toArray();
      return row ? { ...row, pending: JSON.parse(row.pending) } : null;
    },
    /** A pair without failures is none. */
    putPair(network: string, { startedAt, endsAt, failures, blockedUntil, pending }: Pair): void {
      if (failures === 0) {
        sql.exec('DELETE FROM pairs WHERE network = ?', network);
        return;
      }
      sql.exec(
        `INSERT OR REPLACE INTO pairs (network, startedAt, endsAt, failures, blockedUntil, pending)
           VALUES (?, ?, ?, ?, ?, ?)`,
        network,
        startedAt,
        endsAt,
        failures,
        blockedUntil,
        JSON.stringify(pending),
      );
    },

    isKnown(network: string, now: number): boolean {
      if (!exists) return false;
      const query = 'SELECT 1 FROM known WHERE network = ? AND endsAt > ?';
      return sql.exec(query, network, now).toArray().length > 0;
    },
    putKnown(network: string, now: number): void {
      sql.exec('INSERT OR REPLACE INTO known (network, endsAt) VALUES (?, ?)', network, now + KNOWN_LIFE_MS);
      sql.exec(
        'DELETE FROM known WHERE network NOT IN (SELECT network FROM known ORDER BY endsAt DESC LIMIT ?)',
        KNOWN_AT_MOST,
      );
    },

    deleteEnded(now: number): void {
      if (!exists) return;
      for (const table of ['span', 'pairs', 'known']) sql.exec(`DELETE FROM ${table} WHERE endsAt <= ?`, now);
    },

    /** When something is next to be forgotten, or null where nothing is left. */
    nextEnd(): number | null {
      if (!exists) return null;
      const query = `SELECT min(endsAt) AS endsAt FROM
        (SELECT endsAt FROM span UNION ALL SELECT endsAt FROM pairs UNION ALL SELECT endsAt FROM known)`;
      return sql.exec<{ endsAt: number | null }>(query).one().endsAt;
    },

    /** Leaves nothing, the alarm included. */
    async deleteAll(): Promise<void> {
      exists = false;
      await storage.deleteAll();
    },
  };
}

export type ThrottleStorage = ReturnType<typeof openStorage>;
