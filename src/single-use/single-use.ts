import { DurableObject } from 'cloudflare:workers';

/** The RPC methods, for callers in the Worker. */
export type SingleUseObject = Pick<SingleUse, 'spend' | 'isSpent'>;

/**
 * Remembers what may be used once (nonces, authTokens, ended device tokens) until it would have expired anyway.
 * Keys are spread over a fixed number of these objects by their hash.
 */
export class SingleUse extends DurableObject<Env> {
  #exists: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#exists = this.#query("SELECT 1 FROM sqlite_master WHERE name = 'spent'").length > 0;
  }

  /** Spends a key; true for the first caller and nobody after. `until`, epoch ms, is when it may be forgotten. */
  spend(key: string, until: number): boolean {
    if (!this.#exists) {
      this.ctx.storage.sql.exec(`
        CREATE TABLE IF NOT EXISTS spent (key TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS spentByEnd ON spent (until);
      `);
      this.#exists = true;
    }
    const first = this.#query('INSERT OR IGNORE INTO spent VALUES (?, ?) RETURNING 1', key, until).length > 0;
    if (first) this.#setAlarm();
    return first;
  }

  isSpent(key: string): boolean {
    return this.#exists && this.#query('SELECT 1 FROM spent WHERE key = ?', key).length > 0;
  }

  /** Forgets what has expired. */
  override async alarm(): Promise<void> {
    if (!this.#exists) return;
    this.#query('DELETE FROM spent WHERE until <= ?', Date.now());
    this.#setAlarm();
  }

  #setAlarm(): void {
    const [row] = this.#query('SELECT min(until) AS until FROM spent');
    if (typeof row?.until === 'number') this.ctx.storage.setAlarm(row.until);
  }

  #query(query: string, ...values: SqlStorageValue[]): Record<string, SqlStorageValue>[] {
    return this.ctx.storage.sql.exec(query, ...values).toArray();
  }
}
