import { and, asc, count, eq, gt, isNull, lt, max, type SQL, sql } from 'drizzle-orm';
import { runBatch, type Statement } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import { isRetired, type KeyedHashes, knownHash } from '../retired-names/store.ts';
import { walletOwners } from '../retired-names/table.ts';
import type { WrittenBy } from './contract.ts';
import {
  belongings,
  insertedUser,
  isReserved,
  type LocatorKey,
  type LocatorRow,
  ownsLocator,
  theOne,
  toWhole,
  type UserRow,
  type WholeUser,
  wholeUser,
} from './store.ts';
import { locators, users } from './table.ts';
import { bareMembersOf, notedMembers, withoutBareMembers } from './written-store.ts';

export type NewUser = Pick<UserRow, 'userId' | 'entry' | 'displayName' | 'profileHandle'> & {
  username?: string;
};
export type UserChange = Partial<
  Omit<UserRow, 'id' | 'userId' | 'version' | 'copiedVersion' | 'createdAt' | 'bareMembers'>
>;

/** How a record changes besides its members. */
export interface Conditions {
  /** Makes earlier sign-ins worthless where the entry was open, and drops what a bare `userId` wrote. */
  closing?: true;
  /** Makes earlier sign-ins worthless, except the one that made the change. */
  credentialsChange?: { keptSid: string | null };
  /** By what proof the members were written; `bare` happens only while the entry is open. By default a secret key. */
  writtenBy?: WrittenBy;
  onlyWhere?: SQL | undefined;
}

/** A changed user, and whether it was this change that closed an open entry. */
export type ChangedUser = WholeUser & { justClosed?: boolean };

/** Statements that run in the same transaction as a change of the record, before it. */
export type WithChange = (db: Database) => Statement[];

/** While a user's credentials are those that were read. */
export const ofCredentialVersion = (version: number): SQL => eq(users.credentialVersion, version);

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
  const bareMembers = user.entry === 'open' ? bareMembersOf(user) : [];
  const { made, name } = await runBatch(db, {
    made: db
      .insert(users)
      .values({ ...user, bareMembers, createdAt: now, updatedAt: now })
      .onConflictDoNothing()
      .returning(),
    // Never one who is being erased: their own name is retired already.
    refused: db.delete(users).where(and(eq(users.userId, user.userId), isNull(users.erasedAt), again)),
    name: db.select({ retired: sql<number>`${again}` }).from(sql`(SELECT 1)`),
  });
  const retired = name[0]?.retired === 1;
  return { user: retired ? null : insertedUser(made), retired };
}

export type NewLocator = Pick<LocatorRow, 'userLocatorId' | 'verificationStatus'> & LocatorKey;

/** What a wallet is known by for good: to a ban, and as what its owners once held. */
export interface WalletHashes {
  ban: KeyedHashes;
  owner: KeyedHashes;
}

/**
 * The owner of a proven wallet, or this new user where it had none. One trip and one transaction: of many racing inserts
 * one wins, and all get its user. Null where a ban refuses the wallet, found by its keyed hashes.
 */
export async function insertUserWithWallet(
  db: Database,
  user: NewUser,
  wallet: NewLocator,
  { ban, owner }: WalletHashes,
  now: number,
): Promise<WholeUser | null> {
  const made = eq(users.userId, user.userId);
  const uid = sql`${theOne(made)}`;
  const hasWallet = sql`EXISTS (SELECT 1 FROM ${locators} WHERE ${locators.uid} = ${users.id})`;
  const read = await runBatch(db, {
    user: db.insert(users).values({ ...user, createdAt: now, updatedAt: now }),
    wallet: db
      .insert(locators)
      .values({ ...wallet, uid, reserved: true, createdAt: now })
      .onConflictDoNothing(),
    // A wallet that a ban still refuses gets no owner and makes no user.
    refused: db
      .delete(locators)
      .where(and(eq(locators.userLocatorId, wallet.userLocatorId), isRetired(ban, now))),
    spare: db.delete(users).where(sql`${made} AND NOT ${hasWallet}`),
    noted: noteWalletOwner(db, wallet, owner),
    ...wholeUser(db, ownsLocator(wallet)),
  });
  return toWhole(read);
}

/** Writes down who owns a wallet now, by a keyed hash: see `walletOwners`. Nothing where it has no owner. */
export function noteWalletOwner(db: Database, wallet: LocatorKey, hashes: KeyedHashes) {
  return db
    .insert(walletOwners)
    .select(
      sql`SELECT ${knownHash(hashes)}, "uid", "userLocatorId" FROM "locators" WHERE ${isReserved(wallet)}`,
    )
    .onConflictDoUpdate({
      target: [walletOwners.walletHash, walletOwners.uid],
      set: { userLocatorId: sql`excluded."userLocatorId"` },
    });
}

/**
 * Changes a record, raises its version in the same transaction and reads the whole back. Null where there is no such user,
 * or the conditions do not hold.
 */
export async function changeUser(
  db: Database,
  uid: number,
  change: UserChange & Conditions,
  now: number,
  withChange: WithChange = () => [],
): Promise<ChangedUser | null> {
  const which = eq(users.id, uid);
  const { closing, credentialsChange, writtenBy = 'system', onlyWhere, ...members } = change;
  const mayWrite = writtenBy === 'bare' ? eq(users.entry, 'open') : undefined;
  const closed = closing && {
    ...withoutBareMembers(),
    entry: 'closed' as const,
    credentialVersion: sql`${users.credentialVersion} + (${users.entry} = 'open')`,
  };
  const proven = credentialsChange && {
    ...credentialsChange,
    credentialVersion: sql`${users.credentialVersion} + 1`,
  };
  const rows = db
    .update(users)
    .set({
      ...notedMembers(members, writtenBy),
      ...closed,
      ...members,
      ...proven,
      version: sql`${users.version} + 1`,
      updatedAt: now,
    })
    .where(and(which, isNull(users.erasedAt), mayWrite, onlyWhere))
    .returning();
  const before = db.select({ entry: users.entry }).from(users).where(which);
  const read = await runBatch(db, { before, rows, ...belongings(db, which) }, withChange(db));
  const whole = toWhole(read);
  return whole && { ...whole, justClosed: closing === true && read.before[0]?.entry === 'open' };
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

/** Spelled out, for the sake of its partial index. */
const LAGGING = sql`${users.copiedVersion} < ${users.version}`;

/** Users after this one whose objects are not known to hold their latest version, in order. */
export async function findLagging(db: Database, afterUid: number, limit: number): Promise<{ id: number }[]> {
  return db
    .select({ id: users.id })
    .from(users)
    .where(and(LAGGING, isNull(users.erasedAt), gt(users.id, afterUid)))
    .orderBy(asc(users.id))
    .limit(limit);
}

/** How many copies lag, and the latest user of them. */
export async function measureLagging(db: Database): Promise<{ count: number; lastId: number }> {
  const [row] = await db
    .select({ count: count(), lastId: max(users.id) })
    .from(users)
    .where(and(LAGGING, isNull(users.erasedAt)));
  return { count: row?.count ?? 0, lastId: row?.lastId ?? 0 };
}
