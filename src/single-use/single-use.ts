import { DurableObject } from 'cloudflare:workers';

/**
 * What is known of keys until `until`, epoch ms: `spent`, those that were used and are good no more (authTokens,
 * ended device tokens); `issued`, those that are good once, with what was said of them (nonces).
 */
const TABLES = {
  spent: 'key TEXT PRIMARY KEY, until INTEGER NOT NULL',
  issued: 'key TEXT PRIMARY KEY, until INTEGER NOT NULL, detail TEXT NOT NULL',
} as const;

type Table = keyof typeof TABLES;

/**
 * Remembers what may be used once until it would have expired anyway. Keys are spread over a fixed number of these
 * objects by their hash.
 */
export class SingleUse extends DurableObject<Env> {
  readonly #tables: Set<Table>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const found = this.#query("SELECT name FROM sqlite_master WHERE type = 'table'").map(row => row.name);
    this.#tables = new Set((Object.keys(TABLES) as Table[]).filter(table => found.includes(table)));
  }

  /** Spends a key; true for the first caller and nobody after. */
  spend(key: string, until: number): boolean {
    this.#make('spent');
    const first = this.#query('INSERT OR IGNORE INTO spent VALUES (?, ?) RETURNING 1', key, until).length > 0;
    if (first) this.#setAlarm();
    return first;
  }

  isSpent(key: string): boolean {
    return this.#tables.has('spent') && this.#query('SELECT 1 FROM spent WHERE key = ?', key).length > 0;
  }

  /** Remembers a key as good for one use, and what is said of it; false where it is known already. */
  issue(key: string, detail: string, until: number): boolean {
    this.#make('issued');
    const insert = 'INSERT OR IGNORE INTO issued VALUES (?, ?, ?) RETURNING 1';
    const made = this.#query(insert, key, until, detail).length > 0;
    if (made) this.#setAlarm();
    return made;
  }

  /** Takes an issued key: what was said of it, to the first caller in time; null to everybody else. */
  redeem(key: string): string | null {
    if (!this.#tables.has('issued')) return null;
    const [row] = this.#query('DELETE FROM issued WHERE key = ? RETURNING detail, until', key);
    return row && Number(row.until) > Date.now() ? String(row.detail) : null;
  }

  /** Forgets what has expired. */
  override async alarm(): Promise<void> {
    for (const table of this.#tables) this.#query(`DELETE FROM ${table} WHERE until <= ?`, Date.now());
    this.#setAlarm();
  }

  #make(table: Table): void {
    if (this.#tables.has(table)) return;
    this.ctx.storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS ${table} (${TABLES[table]}) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS ${table}ByEnd ON ${table} (until);
    `);
    this.#tables.add(table);
  }

  #setAlarm(): void {
    const ends = [...this.#tables].flatMap(table =>
      this.#query(`SELECT min(until) AS until FROM ${table}`).map(row => row.until),
    );
    const earliest = Math.min(...ends.filter(end => typeof end === 'number'));
    if (Number.isFinite(earliest)) this.ctx.storage.setAlarm(earliest);
  }

  #query(query: string, ...values: SqlStorageValue[]): Record<string, SqlStorageValue>[] {
    return this.ctx.storage.sql.exec(query, ...values).toArray();
  }
}
