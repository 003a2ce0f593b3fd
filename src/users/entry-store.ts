import { and, asc, eq, gt, isNull, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db.ts';
import { isRetired } from './erasure-store.ts';
import type { LocatorRow, NewUser, UserRow } from './store.ts';
import { locators, profileAttributes, users } from './table.ts';

export type AttributeRow = typeof profileAttributes.$inferSelect;

/** Which attributes of a profile are wanted: all, these, or none. */
export type WantedAttributes = '*' | readonly string[] | null;

export type EntryLocator = Pick<LocatorRow, 'userLocatorId' | 'type' | 'value' | 'verificationStatus'>;
export type EntryAttribute = Omit<AttributeRow, 'uid'>;

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

const locatorsOf = sql`(
    SELECT json_group_array(json_object('userLocatorId', "userLocatorId", 'type', "type", 'value', "value",
      'verificationStatus', "verificationStatus"))
    FROM (SELECT * FROM "locators" WHERE "locators"."uid" = "users"."id" ORDER BY "createdAt", "rowid")
  )`.mapWith((json: string): EntryLocator[] => JSON.parse(json));

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

/** Which users have these names, in no order. */
export async function findNamed(
  db: Database,
  userIds: readonly string[],
): Promise<{ uid: number; userId: string; displayName: string | null }[]> {
  return db
    .select({ uid: users.id, userId: users.userId, displayName: users.displayName })
    .from(users)
    .where(
      and(
        sql`${users.userId} IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`,
        isNull(users.erasedAt),
      ),
    );
}
