import { env } from 'cloudflare:workers';
import { type Database, openDatabase } from '../../src/platform/database.ts';

/** What a question cost D1. */
export interface Cost {
  trips: number;
  rowsRead: number;
}

/** Asks the database, and says what D1 counts for it. */
export async function metered<T>(ask: (db: Database) => Promise<T>): Promise<T & Cost> {
  const trips = { d1: 0, objects: 0 };
  let rowsRead = 0;
  const read = <R extends D1Result>(result: R): R => {
    rowsRead += result.meta.rows_read;
    return result;
  };
  const originals = new WeakMap<object, D1PreparedStatement>();
  const meter = (statement: D1PreparedStatement): D1PreparedStatement => {
    const metering = {
      bind: (...values: unknown[]) => meter(statement.bind(...values)),
      // `raw` itself does not tell the cost.
      raw: async () => read(await statement.all<object>()).results.map(row => Object.values(row)),
    };
    originals.set(metering, statement);
    return metering as never;
  };
  const d1 = {
    prepare: (query: string) => meter(env.DB.prepare(query)),
    batch: async (statements: D1PreparedStatement[]) =>
      (await env.DB.batch(statements.map(statement => originals.get(statement) ?? statement))).map(read),
  };
  const answer = await ask(openDatabase(d1 as never, trips));
  return { ...answer, trips: trips.d1, rowsRead };
}
