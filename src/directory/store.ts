import { and, asc, eq, gt, isNull, type SQL, sql } from 'drizzle-orm';
import { locatorsOf, type UserLocator } from '../locators/store.ts';
import { runBatch } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import type { Attribute, WantedAttributes } from '../profiles/store.ts';
import { profileAttributes } from '../profiles/table.ts';
import { isRetired } from '../retired-names/store.ts';
import { foldUsername } from '../text.ts';
import type { NewUser } from '../users/change-store.ts';
import type { LocatorRow, UserRow } from '../users/store.ts';
import { locators, users } from '../users/table.ts';

/** A user as the directory lists them; times in epoch ms. */
export interface DirectoryUser
  extends Pick<
    UserRow,
    'id' | 'userId' | 'username' | 'displayName' | 'bannedAt' | 'bannedUntil' | 'createdAt' | 'updatedAt'
  > {
  /** The oldest first. */
  locators: UserLocator[];
  /** By key; null: not asked for. */
  attributes: Attribute[] | null;
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

async function findUsers(
  db: Database,
  which: SQL | undefined,
  wanted: WantedAttributes,
  limit: number,
): Promise<DirectoryUser[]> {
  const standing = and(which, isNull(users.erasedAt));
  const found = db
    .select({
      id: users.id,
      userId: users.userId,
      username: users.username,
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
  if (wanted === null) return (await found).map(row => ({ ...row, attributes: null }));
  const uids = sql`(SELECT id FROM users WHERE ${standing} ORDER BY id LIMIT ${limit})`;
  const attributesOf = findAttributes(db, uids, wanted);
  const { rows, attributes } = await runBatch(db, { rows: found, attributes: attributesOf });
  const byUser = Map.groupBy(attributes, ({ uid }) => uid);
  return rows.map(row => ({
    ...row,
    attributes: (byUser.get(row.id) ?? []).map(({ uid: _, writtenBy: __, ...attribute }) => attribute),
  }));
}

/** What a directory user is found by: one of the three names they have. */
export type DirectoryName = { userId: string } | { username: string } | { uid: number };

/** The user of this name; usernames compare without regard to case. */
export async function findDirectoryUser(
  db: Database,
  name: DirectoryName,
  wanted: WantedAttributes,
): Promise<DirectoryUser | null> {
  const [user] = await findUsers(db, isNamed(name), wanted, 1);
  return user ?? null;
}

function isNamed(name: DirectoryName): SQL {
  if ('userId' in name) return eq(users.userId, name.userId);
  if ('uid' in name) return eq(users.id, name.uid);
  return sql`lower(${users.username}) = ${foldUsername(name.username)}`;
}

/** All users, in the order they were made, after this one. */
export async function findUsersAfter(
  db: Database,
  afterId: number,
  wanted: WantedAttributes,
  limit: number,
): Promise<DirectoryUser[]> {
  return findUsers(db, gt(users.id, afterId), wanted, limit);
}

/** The users whom these locators, in their normal form, are reserved for. */
export async function findUsersByLocators(
  db: Database,
  names: readonly Pick<LocatorRow, 'type' | 'value'>[],
  wanted: WantedAttributes,
): Promise<DirectoryUser[]> {
  const asked = JSON.stringify(names.map(({ type, value }) => [type, value]));
  const owners = sql`${users.id} IN (
    SELECT "uid" FROM json_each(${asked}) AS "asked" JOIN "locators"
      ON "locators"."type" = json_extract("asked"."value", '$[0]') AND "locators"."value" = json_extract("asked"."value", '$[1]')
    WHERE "reserved" = 1)`;
  // A contract's address may have an owner on every chain.
  return findUsers(db, owners, wanted, MOST_OWNERS);
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
  const insert = db.insert(users).values({ ...user, createdAt: now, updatedAt: now });
  const refuse = db.delete(users).where(and(made, isRetired(hashes, now)));
  const { found } = await runBatch(db, { found: db.select({ id: users.id }).from(users).where(made) }, [
    insert,
    refuse,
    ...inserts,
  ]);
  return found.length > 0;
}
