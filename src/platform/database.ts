import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { fromBinding, fromStorage } from './faults.ts';
import type { Trips } from './trips.ts';

export type Database = DrizzleD1Database;

/** The part of D1 that drizzle uses. */
type Used = Pick<D1Database, 'prepare' | 'batch'>;

/** D1 behind drizzle, every round trip counted. */
export function openDatabase(d1: Used, trips: Trips): Database {
  const counted: Used = {
    prepare: query => fromBinding(() => d1.prepare(query)),
    batch: statements => {
      trips.d1 += 1;
      return fromStorage(() => d1.batch(statements));
    },
  };
  // Drizzle logs a statement when it runs it by itself, and not as a part of a batch.
  const logger = {
    logQuery: () => {
      trips.d1 += 1;
    },
  };
  return drizzle(counted as D1Database, { logger });
}
