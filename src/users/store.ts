import { and, asc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { type Answers, runBatch, type Statement } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import { locators, photos, roles, userRoles, users } from './table.ts';

export type UserRow = typeof users.$inferSelect;
export type RoleRow = typeof roles.$inferSelect;
export type PhotoRow = typeof photos.$inferSelect;
export type LocatorRow = typeof locators.$inferSelect;

/** What is unique among users: of wallets, `chainId` is 0 where a key signs, and the chain of a contract. */
export type LocatorKey = Pick<LocatorRow, 'type' | 'value' | 'chainId'>;

/** A row and what belongs to the user, read in one trip, so that all of it is of the same version. */
export interface WholeUser {
  row: UserRow;
  roles: RoleRow[];
  /** By address, then by chain. */
  wallets: Pick<LocatorRow, 'value' | 'chainId'>[];
  /** Who owned these wallets before. */
  kin: number[];
  /** The oldest first. */
  photos: PhotoRow[];
}

/** How many users a record names as former owners of its wallets. */
const MOST_KIN = 100;

/** The `users.id` of the user that a condition names. */
export const theOne = (which: SQL) => sql`(SELECT id FROM users WHERE ${which})`;

/** Literal text, because a partial index cannot serve a query that binds its condition as a parameter. */
const RESERVED = sql`${locators.reserved} = 1`;

/** The locator of this key that is reserved for its user. */
export const isReserved = ({ type, value, chainId }: LocatorKey) =>
  and(eq(locators.type, type), eq(locators.value, value), eq(locators.chainId, chainId), RESERVED);

/** Whether a user is the one a locator is reserved for. */
export const ownsLocator = (locator: LocatorKey) =>
  sql`${users.id} = (SELECT ${locators.uid} FROM ${locators} WHERE ${isReserved(locator)})`;

/**
 * The former owners of the wallets a user holds now, and every user who shared a wallet with one of those, the nearest
 * first. Wallets that the user has given away do not count: the user does not answer for them.
 */
function kinOf(db: Database, which: SQL) {
  const self = theOne(which);
  const owners = sql`"walletOwners" AS "owner" ON "owner"."walletHash" = "held"."walletHash" AND "owner"."uid" <> ${self}`;
  const linked = sql`WITH RECURSIVE "linked" ("uid") AS (
    SELECT "owner"."uid" FROM "walletOwners" AS "held" JOIN ${owners} WHERE "held"."uid" = ${self}
      AND EXISTS (SELECT 1 FROM "locators" WHERE "userLocatorId" = "held"."userLocatorId")
    UNION
    SELECT "owner"."uid" FROM "linked" JOIN "walletOwners" AS "held" ON "held"."uid" = "linked"."uid" JOIN ${owners}
    LIMIT ${MOST_KIN}
  ) SELECT "uid" FROM "linked"`;
  return db.select({ uid: sql<number>`"uid"`.as('uid') }).from(sql`(${linked})`);
}

/** The facts about a user that are not in their row. */
export const belongings = (db: Database, which: SQL) => ({
  roles: db
    .select({
      roleId: roles.roleId,
      displayName: roles.displayName,
      permissions: roles.permissions,
      createdAt: roles.createdAt,
      updatedAt: roles.updatedAt,
    })
    .from(userRoles)
    .innerJoin(roles, eq(roles.roleId, userRoles.roleId))
    .where(eq(userRoles.uid, theOne(which)))
    .orderBy(asc(roles.roleId)),
  wallets: db
    .select({ value: locators.value, chainId: locators.chainId })
    .from(locators)
    .where(and(eq(locators.uid, theOne(which)), eq(locators.type, 'wallet'), RESERVED))
    .orderBy(asc(locators.value), asc(locators.chainId)),
  kin: kinOf(db, which),
  photos: db
    .select()
    .from(photos)
    .where(eq(photos.uid, theOne(which)))
    .orderBy(asc(photos.createdAt), asc(photos.id)),
});

/** The statements that read a user and what belongs to them. */
export const wholeUser = (db: Database, which: SQL) => ({
  rows: db.select().from(users).where(which),
  ...belongings(db, which),
});

/** The user these statements read; null where there is none, or none any more. */
export function toWhole(read: Answers<ReturnType<typeof wholeUser>>): WholeUser | null {
  const [row] = read.rows;
  if (!row || row.erasedAt !== null) return null;
  return {
    row,
    roles: read.roles,
    wallets: read.wallets,
    kin: read.kin.map(({ uid }) => uid),
    photos: read.photos,
  };
}

/** A user who was just made and has only the row. */
export function insertedUser([row]: UserRow[]): WholeUser | null {
  return row ? { row, roles: [], wallets: [], kin: [], photos: [] } : null;
}

async function find(db: Database, which: SQL): Promise<WholeUser | null> {
  return toWhole(await runBatch(db, wholeUser(db, which)));
}

/** A user and what another query says, read in the same trip. */
export async function findWith<Item extends Statement>(
  db: Database,
  which: SQL,
  also: Item,
): Promise<[WholeUser | null, Item['_']['result']]> {
  const { answer, ...whole } = await runBatch(db, { answer: also, ...wholeUser(db, which) });
  return [toWhole(whole as never), answer as Item['_']['result']];
}

export const findUserByUserId = (db: Database, userId: string) => find(db, eq(users.userId, userId));
export const findUserByUid = (db: Database, uid: number) => find(db, eq(users.id, uid));
export const findUserByLocator = (db: Database, locator: LocatorKey) => find(db, ownsLocator(locator));

/** The reserved locator of this key, of any user. */
export async function findReserved(db: Database, locator: LocatorKey): Promise<LocatorRow | null> {
  return (await db.select().from(locators).where(isReserved(locator)).get()) ?? null;
}

/** The locators of a user that were proven or set by a secret key. */
export async function findReservedOf(db: Database, uid: number): Promise<LocatorKey[]> {
  return db
    .select({ type: locators.type, value: locators.value, chainId: locators.chainId })
    .from(locators)
    .where(and(eq(locators.uid, uid), RESERVED));
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
