/**
 * The tables of one Durable Object class, as an ordered list of steps. The number of the last step an object took stands
 * in a table of one row, so that an object made by an earlier release takes the steps it lacks.
 */

/**
 * One step of a schema: makes tables, or rewrites rows. Never edited once released; a later step changes what it made.
 * It may meet tables that a later release makes at first use.
 */
export type SchemaStep = (sql: SqlStorage) => void;

export interface Schema {
  /** Whether the object holds tables of this class. A mere probe of an unknown id makes none. */
  exists(): boolean;
  /** Makes the tables of a new object, inside the transaction of the command that creates it. */
  create(): void;
}

const VERSION_TABLE = 'schemaVersion';

/**
 * Opens the schema of an object and brings one that exists up to date: to be called in the constructor. `legacyTable`
 * names the tables by which objects are known that were made before versions were kept; such an object is at version 0,
 * so the first steps must pass over tables that are there. An object at a version this code does not know is left as it
 * is, so that a release can be rolled back.
 */
export function openSchema(
  storage: Pick<DurableObjectStorage, 'sql' | 'transactionSync'>,
  steps: readonly SchemaStep[],
  legacyTable: string | readonly string[],
): Schema {
  const { sql } = storage;
  const hasTable = (name: string): boolean =>
    sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).toArray().length > 0;

  const version = (): number => {
    if (!hasTable(VERSION_TABLE)) return 0;
    return sql.exec<{ version: number }>(`SELECT version FROM ${VERSION_TABLE}`).one().version;
  };

  function advance(): void {
    const from = version();
    if (from >= steps.length) return;
    for (const step of steps.slice(from)) step(sql);
    sql.exec(
      `CREATE TABLE IF NOT EXISTS ${VERSION_TABLE} (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)`,
    );
    sql.exec(`INSERT OR REPLACE INTO ${VERSION_TABLE} (one, version) VALUES (1, ?)`, steps.length);
  }

  const known = [VERSION_TABLE, ...(typeof legacyTable === 'string' ? [legacyTable] : legacyTable)];
  const exists = (): boolean => known.some(hasTable);

  if (exists() && version() < steps.length) storage.transactionSync(advance);
  return { exists, create: advance };
}
