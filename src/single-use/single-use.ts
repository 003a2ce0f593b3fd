import { DurableObject } from 'cloudflare:workers';
import { type Alarm, openAlarm } from '../platform/alarm.ts';
import type { Row } from '../platform/object-sql.ts';
import { openSchema, type Schema, type SchemaStep } from '../platform/schema.ts';

/** Keys are known until `until`, epoch ms. Older objects made each table when it was first needed. */
const tables: SchemaStep = sql => {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS spent (key TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS spentByEnd ON spent (until);
    CREATE TABLE IF NOT EXISTS issued
      (key TEXT PRIMARY KEY, until INTEGER NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS issuedByEnd ON issued (until);
  `);
};

/** In order. A step is never edited once released; a change is a new one at the end. */
const steps: readonly SchemaStep[] = [tables];

/**
 * Remembers keys that may be used once, until they would have expired anyway. Their hash spreads them over a fixed number of
 * these objects. `spent` holds keys that were used: authTokens, ended device tokens. `issued` holds keys that are good
 * once, with their details: nonces.
 */
export class SingleUse extends DurableObject<Env> {
  readonly #schema: Schema;
  readonly #alarm: Alarm;
  #exists: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#schema = openSchema(ctx.storage, steps, ['spent', 'issued']);
    this.#alarm = openAlarm(ctx.storage);
    this.#exists = this.#schema.exists();
  }

  /** Spends a key; true for the first caller alone. */
  spend(key: string, until: number): boolean {
    return this.#insert('INSERT OR IGNORE INTO spent (key, until) VALUES (?, ?) RETURNING 1', key, until);
  }

  isSpent(key: string): boolean {
    return this.#exists && this.#query('SELECT 1 FROM spent WHERE key = ?', key).length > 0;
  }

  /** Remembers a key as good for one use, with a detail. False where it is known already. */
  issue(key: string, detail: string, until: number): boolean {
    const insert = 'INSERT OR IGNORE INTO issued (key, until, detail) VALUES (?, ?, ?) RETURNING 1';
    return this.#insert(insert, key, until, detail);
  }

  /** Takes an issued key while it lives. The first caller gets its detail, every other null. */
  redeem(key: string): string | null {
    if (!this.#exists) return null;
    const [row] = this.#query('DELETE FROM issued WHERE key = ? RETURNING detail, until', key);
    return row && Number(row.until) > Date.now() ? String(row.detail) : null;
  }

  /** Forgets what has expired. */
  override async alarm(): Promise<void> {
    this.#alarm.fired();
    if (!this.#exists) return;
    const now = Date.now();
    this.#query('DELETE FROM spent WHERE until <= ?', now);
    this.#query('DELETE FROM issued WHERE until <= ?', now);
    this.#setAlarm();
  }

  /** Whether the key was not known. The tables must be there. */
  #insert(insert: string, ...values: SqlStorageValue[]): boolean {
    const isNew = this.ctx.storage.transactionSync(() => {
      if (!this.#exists) this.#schema.create();
      return this.#query(insert, ...values).length > 0;
    });
    this.#exists = true;
    if (isNew) this.#setAlarm();
    return isNew;
  }

  #setAlarm(): void {
    const [row] = this.#query(
      'SELECT (SELECT min(until) FROM spent) AS spent, (SELECT min(until) FROM issued) AS issued',
    ) as [{ spent: number | null; issued: number | null }];
    this.#alarm.set({ ...row });
  }

  #query(query: string, ...values: SqlStorageValue[]): Row[] {
    return this.ctx.storage.sql.exec(query, ...values).toArray();
  }
}
