import { and, asc, eq, gt, isNull, type SQL, sql } from 'drizzle-orm';
import { locatorsOf } from '../locators/store.ts';
import type { Database } from '../platform/database.ts';
import type { EntryAttribute, WantedAttributes } from '../profiles/store.ts';
import { profileAttributes } from '../profiles/table.ts';
import { isRetired } from '../retired-names/store.ts';
import type { EntryLocator, LocatorRow, NewUser, UserRow } from '../users/store.ts';
import { locators, users } from '../users/table.ts';

/** A user as the directory lists them; times in epoch ms. */
export interface EntryRow
  extends Pick<
    UserRow,
    'id' | 'userId' | 'displayName' | 'bannedAt' | 'bannedUntil' | 'createdAt' | 'updatedAt'
  > {
  /** The oldest first. */
  locators: EntryLocator[];
  /** By key; null: not asked for. */
  attributes: EntryAttribute[] | null;
}

/** How many users are found by locators at most. */
const MOST_OWNERS = 100;

/** Of the same users, as rows: all of a profile as one text may be more than D1 gives out. */
function findAttributes(db: Database, uids: SQL, wanted: WantedAttributes) {
  const named =
    wanted === '*'
      ? undefined
      : sql`${profileAttributes.key} IN (SELECT value FROM json_each(${JSON.stringify(wanted)}))`;
  return db
    .select()
    .from(profileAttributes)
    .where(and(sql`${profileAttributes.uid} IN ${uids}`, named))
    .orderBy(asc(profileAttributes.uid), asc(profileAttributes.key));
}

async function findEntries(
  db: Database,
  which: SQL | undefined,
  wanted: WantedAttributes,
  limit: number,
): Promise<EntryRow[]> {
  const standing = and(which, isNull(users.erasedAt));
  const entries = db
    .select({
      id: users.id,
      userId: users.userId,
      displayName: users.displayName,
      bannedAt: users.bannedAt,
      bannedUntil: users.bannedUntil,
      createdAt: users.createdAt,
      updatedAt: users.updatedAt,
      locators: locatorsOf.as('locators'),
    })
    .from(users)
    .where(standing)
    .orderBy(asc(users.id))
    .limit(limit);
  if (wanted === null) return (await entries).map(row => ({ ...row, attributes: null }));
  const uids = sql`(SELECT id FROM users WHERE ${standing} ORDER BY id LIMIT ${limit})`;
  const [rows, attributes] = await db.batch([entries, findAttributes(db, uids, wanted)]);
  const byUser = Map.groupBy(attributes, ({ uid }) => uid);
  return rows.map(row => ({
    ...row,
    attributes: (byUser.get(row.id) ?? []).map(({ uid: _, ...attribute }) => attribute),
  }));
}

export async function findEntry(
  db: Database,
  userId: string,
  wanted: WantedAttributes,
): Promise<EntryRow | null> {
  const [entry] = await findEntries(db, eq(users.userId, userId), wanted, 1);
  return entry ?? null;
}

/** All users, in the order they were made, after this one. */
export async function listEntries(
  db: Database,
  afterId: number,
  wanted: WantedAttributes,
  limit: number,
): Promise<EntryRow[]> {
  return findEntries(db, gt(users.id, afterId), wanted, limit);
}

/** The users whom these locators, in their normal form, are reserved for. */
export async function findEntriesByLocators(
  db: Database,
  names: readonly Pick<LocatorRow, 'type' | 'value'>[],
  wanted: WantedAttributes,
): Promise<EntryRow[]> {
  const asked = JSON.stringify(names.map(({ type, value }) => [type, value]));
  const owners = sql`${users.id} IN (
    SELECT "uid" FROM json_each(${asked}) AS "asked" JOIN "locators"
      ON "locators"."type" = json_extract("asked"."value", '$[0]') AND "locators"."value" = json_extract("asked"."value", '$[1]')
    WHERE "reserved" = 1)`;
  // A contract's address may have an owner on every chain.
  return findEntries(db, owners, wanted, MOST_OWNERS);
}

/** A locator a secret key sets, in its normal form. */
export type SetLocator = Pick<LocatorRow, 'userLocatorId' | 'type' | 'value' | 'verificationStatus'>;

/**
 * Makes a user whom these locators are reserved for, whole or not at all: throws where the name or one of the locators
 * is taken. False where one of them is not issued any more, told by its keyed hashes.
 */
export async function insertUserWithLocators(
  db: Database,
  user: NewUser,
  own: readonly SetLocator[],
  hashes: readonly string[],
  now: number,
): Promise<boolean> {
  const made = eq(users.userId, user.userId);
  const inserts = own.map(({ userLocatorId, type, value, verificationStatus }) =>
    db
      .insert(locators)
      .select(
        sql`SELECT ${userLocatorId}, "id", ${type}, ${value}, 0, 1, ${verificationStatus}, ${now} FROM users WHERE ${made}`,
      ),
  );
  const answers: unknown[] = await db.batch([
    db.insert(users).values({ ...user, createdAt: now, updatedAt: now }),
    db.delete(users).where(and(made, isRetired(hashes, now))),
    ...inserts,
    db.select({ id: users.id }).from(users).where(made),
  ] as never);
  return (answers.at(-1) as unknown[]).length > 0;
}
