import { and, asc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Database } from '../platform/database.ts';
import { isRetired } from '../retired-names/store.ts';
import { locators, photos, roles, userRoles, users } from './table.ts';

export type UserRow = typeof users.$inferSelect;
export type RoleRow = typeof roles.$inferSelect;
export type NewUser = Pick<UserRow, 'userId' | 'entry' | 'displayName' | 'profileHandle'> & {
  username?: string;
};
export type UserChange = Partial<Omit<UserRow, 'id' | 'userId' | 'version' | 'copiedVersion' | 'createdAt'>>;

/** A row and what belongs to the user, read in one trip, so that all of it is of the same version. */
export interface WholeUser {
  row: UserRow;
  roles: RoleRow[];
  /** Addresses of the wallets, lower-case. */
  wallets: string[];
  /** The oldest first. */
  photos: PhotoRow[];
}

export type PhotoRow = typeof photos.$inferSelect;
export type LocatorRow = typeof locators.$inferSelect;

/** What is unique among users: of wallets, `chainId` is 0 where a key signs, and the chain of a contract. */
export type LocatorKey = Pick<LocatorRow, 'type' | 'value' | 'chainId'>;
export type NewLocator = Pick<typeof locators.$inferInsert, 'userLocatorId' | 'verificationStatus'> &
  LocatorKey;

const theOne = (which: SQL) => sql`(SELECT id FROM users WHERE ${which})`;

function rolesOf(db: Database, which: SQL) {
  return db
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
    .orderBy(asc(roles.roleId));
}

function walletsOf(db: Database, which: SQL) {
  return db
    .selectDistinct({ value: locators.value })
    .from(locators)
    .where(and(eq(locators.uid, theOne(which)), eq(locators.type, 'wallet'), RESERVED))
    .orderBy(asc(locators.value));
}

function photosOf(db: Database, which: SQL) {
  return db
    .select()
    .from(photos)
    .where(eq(photos.uid, theOne(which)))
    .orderBy(asc(photos.createdAt), asc(photos.id));
}

/** Spelled out: a partial index serves no query that binds what it is partial by. */
const RESERVED = sql`${locators.reserved} = 1`;

const isReserved = ({ type, value, chainId }: LocatorKey) =>
  and(eq(locators.type, type), eq(locators.value, value), eq(locators.chainId, chainId), RESERVED);

const ownsLocator = (locator: LocatorKey) =>
  sql`${users.id} = (SELECT ${locators.uid} FROM ${locators} WHERE ${isReserved(locator)})`;

/** What belongs to the user beside their row, in the order `toWhole` takes it. */
const belongings = (db: Database, which: SQL) =>
  [rolesOf(db, which), walletsOf(db, which), photosOf(db, which)] as const;

const readWhole = (db: Database, which: SQL) =>
  [db.select().from(users).where(which), ...belongings(db, which)] as const;

type WholeRows = [UserRow[], RoleRow[], { value: string }[], PhotoRow[]];

/** Nobody any more, where the user is being erased. */
function toWhole([[row], has, wallets, pictures]: WholeRows): WholeUser | null {
  if (!row || row.erasedAt !== null) return null;
  return { row, roles: has, wallets: wallets.map(({ value }) => value), photos: pictures };
}

async function find(db: Database, which: SQL): Promise<WholeUser | null> {
  return toWhole(await db.batch([...readWhole(db, which)]));
}

/** A user and what another query says, read in the same trip. */
export async function findWith<Item extends BatchItem<'sqlite'>>(
  db: Database,
  which: SQL,
  also: Item,
): Promise<[WholeUser | null, Item['_']['result']]> {
  const [answer, ...whole] = await db.batch([also, ...readWhole(db, which)] as const);
  return [toWhole(whole as WholeRows), answer];
}

/** A user who was made just now, of whom there is nothing but the row. */
export function insertedUser([row]: UserRow[]): WholeUser | null {
  return row ? { row, roles: [], wallets: [], photos: [] } : null;
}

export const findUserByUserId = (db: Database, userId: string) => find(db, eq(users.userId, userId));
export const findUserByUid = (db: Database, uid: number) => find(db, eq(users.id, uid));
export const findUserByLocator = (db: Database, locator: LocatorKey) => find(db, ownsLocator(locator));

/**
 * The new user: one of many racing inserts wins, and `user` is null for the others. `retired` where the name is not
 * issued any more, told by its keyed hashes.
 */
export async function insertUser(
  db: Database,
  user: NewUser,
  hashes: readonly string[],
  now: number,
): Promise<{ user: WholeUser | null; retired: boolean }> {
  const again = isRetired(hashes, now);
  const [made, , [answer]] = await db.batch([
    db
      .insert(users)
      .values({ ...user, createdAt: now, updatedAt: now })
      .onConflictDoNothing()
      .returning(),
    // Never one who is on their way out: their own name is retired already.
    db.delete(users).where(and(eq(users.userId, user.userId), isNull(users.erasedAt), again)),
    db.select({ retired: sql<number>`${again}` }).from(sql`(SELECT 1)`),
  ]);
  const retired = answer?.retired === 1;
  return { user: retired ? null : insertedUser(made), retired };
}

/**
 * The user a reserved locator belongs to: this new one where it belonged to nobody, the owner where it did. One
 * trip and one transaction: of many racing inserts one wins, and all are given its user. Null where the locator is
 * refused, told by its keyed hashes.
 */
export async function insertUserWithLocator(
  db: Database,
  user: NewUser,
  locator: NewLocator,
  hashes: readonly string[],
  now: number,
): Promise<WholeUser | null> {
  const uid = sql`${theOne(eq(users.userId, user.userId))}`;
  const taken = sql`EXISTS (SELECT 1 FROM ${locators} WHERE ${locators.uid} = ${users.id})`;
  const [, , , , ...owner] = await db.batch([
    db.insert(users).values({ ...user, createdAt: now, updatedAt: now }),
    db
      .insert(locators)
      .values({ ...locator, uid, reserved: true, createdAt: now })
      .onConflictDoNothing(),
    // A locator that a ban goes on refusing is nobody's, and makes nobody.
    db.delete(locators).where(and(eq(locators.userLocatorId, locator.userLocatorId), isRetired(hashes, now))),
    db.delete(users).where(sql`${eq(users.userId, user.userId)} AND NOT ${taken}`),
    ...readWhole(db, ownsLocator(locator)),
  ]);
  return toWhole(owner);
}

/** Which other rows change in the same transaction. */
export type Along = (db: Database) => BatchItem<'sqlite'>[];

/** While a user's credentials are those that were read. */
export const ofCredentialVersion = (version: number): SQL => eq(users.credentialVersion, version);

/**
 * Changes a record, raises its version in the same transaction and reads the whole back; null where there is no
 * such user, or `onlyWhere` does not hold. `closing` makes earlier sign-ins worthless where the entry was open,
 * `credentialsChange` in any case, but for the one that made it.
 */
export async function changeUser(
  db: Database,
  uid: number,
  change: UserChange & { closing?: true; credentialsChange?: { keptSid: string | null }; onlyWhere?: SQL },
  now: number,
  along: Along = () => [],
): Promise<WholeUser | null> {
  const which = eq(users.id, uid);
  const { closing, credentialsChange, onlyWhere, ...members } = change;
  const closed = closing && {
    entry: 'closed' as const,
    credentialVersion: sql`${users.credentialVersion} + (${users.entry} = 'open')`,
  };
  const proven = credentialsChange && {
    ...credentialsChange,
    credentialVersion: sql`${users.credentialVersion} + 1`,
  };
  const raise = db
    .update(users)
    .set({ ...members, ...closed, ...proven, version: sql`${users.version} + 1`, updatedAt: now })
    .where(and(which, isNull(users.erasedAt), onlyWhere))
    .returning();
  const answers: unknown[] = await db.batch([...along(db), raise, ...belongings(db, which)] as never);
  return toWhole(answers.slice(-4) as WholeRows);
}

/** Notes that the user's object holds this version of the record; an older note never lowers a newer one. */
export async function markCopied(db: Database, uid: number, version: number): Promise<void> {
  await db
    .update(users)
    .set({ copiedVersion: version })
    .where(and(eq(users.id, uid), lt(users.copiedVersion, version)));
}

/** Notes when a user was there, unless that was noted less than `everyMs` ago. */
export async function markSeen(db: Database, uid: number, now: number, everyMs: number): Promise<void> {
  await db
    .update(users)
    .set({ lastSeenAt: now })
    .where(and(eq(users.id, uid), lt(sql`coalesce(${users.lastSeenAt}, 0)`, now - everyMs)));
}

/** Users whose objects are not known to hold their latest version. */
export async function findLagging(db: Database, limit: number): Promise<number[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(and(lt(users.copiedVersion, users.version), isNull(users.erasedAt)))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** The reserved locator of this key, whoever owns it. */
export async function findReserved(db: Database, key: LocatorKey): Promise<LocatorRow | null> {
  return (await db.select().from(locators).where(isReserved(key)).get()) ?? null;
}

/** What was proven of a user, or set by a secret key. */
export async function findReservedOf(
  db: Database,
  uid: number,
): Promise<Pick<LocatorRow, 'type' | 'value'>[]> {
  return db
    .selectDistinct({ type: locators.type, value: locators.value })
    .from(locators)
    .where(and(eq(locators.uid, uid), RESERVED));
}

export type EntryLocator = Pick<LocatorRow, 'userLocatorId' | 'type' | 'value' | 'verificationStatus'>;

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
