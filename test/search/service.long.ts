/**
 * Search among a million users, one in twenty of them named to make it dear (S51): what D1 reads for a page, and how long the
 * worst pattern takes beside one indexed read, in one run.
 */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { findByUsernamePrefix, searchUsers } from '../../src/search/store.ts';
import { users } from '../../src/users/table.ts';
import { metered } from '../support/search-meter.ts';

const USERS = 1_000_000;
const CHUNK = 20_000;
const LIMIT = 20;
const ROUNDS = 21;
/** The clock of the runtime knows whole milliseconds: this many are timed at once. */
const AT_ONCE = 5;

const oneOf = (index: string, names: string[]) =>
  `CASE ${index} % ${names.length} ${names.map((name, at) => `WHEN ${at} THEN '${name}'`).join(' ')} END`;
const GIVEN = oneOf('i', ['Anna', 'Robert', 'Maria', 'Johann', 'Ada', 'Joanna', 'Sven']);
const FAMILY = oneOf('i / 7', ['Smith', 'Petersen', 'Lovelace', 'Brown', 'Okafor']);
/**
 * As long as a name may be: of one letter, of nearly as many of it in a row as a pattern may have, of two in turn. Nobody of
 * the first kind has a username, so that among those who do, every one fails a pattern of one letter, and at its end.
 */
const DEAR = oneOf('i / 20', [
  'a'.repeat(100),
  `${'a'.repeat(31)}b`.repeat(4).slice(0, 100),
  'ab'.repeat(50),
]);

async function seed(): Promise<void> {
  const insert = env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ${CHUNK - 1})
     INSERT INTO users (userId, entry, username, displayName, createdAt, updatedAt)
     SELECT 'seed' || i, 'open', iif(i % 3 = 0, NULL, 'user' || i),
       iif(i % 20 = 0, ${DEAR}, ${GIVEN} || ' ' || ${FAMILY} || ' ' || (i * 7919 % 1000003)), 0, 0
     FROM n`,
  );
  for (let from = 0; from < USERS; from += CHUNK) await insert.bind(from).run();
}

const search =
  (text: string, onlyNamed = false) =>
  (db: Database, afterId = 0) =>
    searchUsers(db, text, { afterId, limit: LIMIT, onlyNamed });

const prefix = (text: string) => (db: Database, afterUsername?: string) =>
  findByUsernamePrefix(db, text, { limit: LIMIT, ...(afterUsername !== undefined && { afterUsername }) });

/** The cost of every page there is, up to the tenth. */
async function tenPages<Place>(
  ask: (db: Database, after?: Place) => Promise<{ users: unknown[]; next: Place | null }>,
): Promise<{ found: number; pages: number; most: number }> {
  let after: Place | null | undefined;
  let [found, pages, most] = [0, 0, 0];
  while (after !== null && pages < 10) {
    const page = await metered(db => ask(db, after ?? undefined));
    expect(page.trips).toBe(1);
    found += page.users.length;
    pages += 1;
    most = Math.max(most, page.rowsRead);
    after = page.next;
  }
  return { found, pages, most };
}

/** Of each the median, in ms; in turn, so that whatever else the machine does falls on all alike. */
async function times<Name extends string>(
  asked: Record<Name, () => Promise<unknown>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(asked) as Name[];
  const taken = new Map(names.map(name => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) {
      const began = performance.now();
      for (let n = 0; n < AT_ONCE; n += 1) await asked[name]();
      taken.get(name)?.push((performance.now() - began) / AT_ONCE);
    }
  }
  const median = (values: number[] = []) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return Object.fromEntries(names.map(name => [name, median(taken.get(name))])) as Record<Name, number>;
}

beforeAll(seed, 300_000);

describe('among a million users', () => {
  it('reads no more for the tenth page than what it shows, where many match', async () => {
    for (const ask of [search('anna'), search('anna', true), search('LOVELACE'), search('a'.repeat(16))]) {
      const { found, pages, most } = await tenPages(ask);
      expect([found, pages]).toEqual([10 * LIMIT, 10]);
      expect(most).toBeLessThan(20 * LIMIT);
    }
    const { found, most } = await tenPages(prefix('us'));
    expect(found).toBe(10 * LIMIT);
    expect(most).toBeLessThan(5 * LIMIT);
  });

  it('finds the few who match among many who nearly do, in few reads', async () => {
    const cases: [string, number][] = [
      ['user500000', 1],
      ['Anna Lovelace 123456', 0],
      ['nobody at all', 0],
    ];
    for (const [text, count] of cases) {
      const { found, pages, most } = await tenPages(search(text));
      expect([found, pages], text).toEqual([count, 1]);
      expect(most, text).toBeLessThan(2500);
    }
  });

  it('answers the worst repetitive pattern for no more than five indexed reads (S51)', async () => {
    const db = openDatabase(env.DB, { d1: 0, objects: 0 });
    const read = {
      indexedRead: () =>
        db
          .select()
          .from(users)
          .where(eq(users.id, USERS / 2)),
    };
    const a = (count: number) => 'a'.repeat(count);
    const patterns = [
      a(32),
      a(3),
      `b${a(31)}`,
      `${a(31)}b`,
      `${a(16)}b${a(15)}`,
      `${a(30)}bb`,
      'ab'.repeat(16),
      `${'ab'.repeat(15)}aa`,
      `${'ab'.repeat(8)}${a(16)}`,
      'aab'.repeat(10),
      '0'.repeat(32),
      '00000001',
    ];
    const searches = Object.fromEntries(
      patterns.flatMap(text => [
        [text, () => search(text)(db)],
        [`${text} of the named`, () => search(text, true)(db)],
      ]),
    );
    const ordinary = { ordinary: () => search('anna smith')(db), prefix: () => prefix('us')(db) };
    const { indexedRead, ...rest } = await times({ ...read, ...ordinary, ...searches });
    const worst = Math.max(...Object.values(rest));
    const like =
      "SELECT * FROM users WHERE displayName LIKE '%aabb%' OR username LIKE '%aabb%' ORDER BY id LIMIT 20";
    const began = performance.now();
    await env.DB.prepare(like).all();
    console.log(JSON.stringify({ indexedRead, worst, likeScan: performance.now() - began, ...rest }));
    for (const took of Object.values(rest)) expect(took).toBeLessThan(5 * indexedRead);
  });
});
