export type Row = Record<string, SqlStorageValue>;

/** The first row of a query over an object's own storage; null where there is none. */
export function firstRow<T extends Row>(
  sql: SqlStorage,
  query: string,
  ...values: SqlStorageValue[]
): T | null {
  return sql.exec<T>(query, ...values).toArray()[0] ?? null;
}
