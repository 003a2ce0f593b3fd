import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { Trips } from './trips.ts';

export type Database = DrizzleD1Database;

/** D1 behind drizzle, every round trip counted. */
export function openDatabase(d1: D1Database, trips: Trips): Database {
  return drizzle(countTrips(d1, trips));
}

const TRIP_METHODS = new Set(['all', 'run', 'first', 'raw']);
const originals = new WeakMap<object, D1PreparedStatement>();

function countTrips(d1: D1Database, trips: Trips): D1Database {
  function counted(statement: D1PreparedStatement): D1PreparedStatement {
    const proxy = new Proxy(statement, {
      get(target, property) {
        const member = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        if (property === 'bind') return (...values: unknown[]) => counted(target.bind(...values));
        return (...parameters: unknown[]) => {
          if (TRIP_METHODS.has(String(property))) trips.d1 += 1;
          return Reflect.apply(member, target, parameters);
        };
      },
    });
    originals.set(proxy, statement);
    return proxy;
  }

  return new Proxy(d1, {
    get(target, property) {
      if (property === 'prepare') return (query: string) => counted(target.prepare(query));
      if (property === 'batch') {
        return (statements: D1PreparedStatement[]) => {
          trips.d1 += 1;
          return target.batch(statements.map(statement => originals.get(statement) ?? statement));
        };
      }
      const member = Reflect.get(target, property);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
