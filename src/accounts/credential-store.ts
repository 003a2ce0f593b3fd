import { and, eq, sql } from 'drizzle-orm';
import { runBatch } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import { isRetired } from '../retired-names/store.ts';
import { foldUsername } from '../text.ts';
import { changeUser, type NewUser, type UserChange } from '../users/change-store.ts';
import { findWith, insertedUser, type WholeUser } from '../users/store.ts';
import { credentials, users } from '../users/table.ts';

export type CredentialsRow = typeof credentials.$inferSelect;

/** A user and their credentials, read in one trip. */
export interface WithCredentials {
  user: WholeUser;
  /** Null: the user has no password. */
  credentials: CredentialsRow | null;
}

const isNamed = (username: string) => sql`lower(${users.username}) = ${foldUsername(username)}`;

export const findByUsername = (db: Database, username: string) => findProving(db, isNamed(username));
export const findProvingByUid = (db: Database, uid: number) => findProving(db, eq(users.id, uid));

async function findProving(db: Database, which: ReturnType<typeof eq>): Promise<WithCredentials | null> {
  const ofUser = sql`${credentials.uid} = (SELECT id FROM users WHERE ${which})`;
  const [user, [own]] = await findWith(db, which, db.select().from(credentials).where(ofUser));
  return user && { user, credentials: own ?? null };
}

/**
 * Makes a user with a username and a password, whole or not at all; null where the username is taken, or refused
 * by a ban (`retired`: its keyed hashes).
 */
export async function insertUserWithPassword(
  db: Database,
  user: NewUser & { username: string },
  passwordHash: string,
  retired: readonly string[],
  now: number,
): Promise<WholeUser | null> {
  const made = sql`(SELECT id FROM users WHERE ${eq(users.userId, user.userId)})`;
  const { rows } = await runBatch(db, {
    user: db
      .insert(users)
      .values({ ...user, createdAt: now, updatedAt: now })
      .onConflictDoNothing(),
    refused: db.delete(users).where(and(eq(users.userId, user.userId), isRetired(retired, now))),
    password: db
      .insert(credentials)
      .select(sql`SELECT id, ${passwordHash}, NULL, ${now} FROM users WHERE id = ${made}`),
    rows: db.select().from(users).where(eq(users.userId, user.userId)),
  });
  return insertedUser(rows);
}

/** The hash that a change of credentials rests on. The change happens only while it is still stored. */
export type Resting = Partial<Pick<CredentialsRow, 'passwordHash' | 'accountKeyHash'>>;

const restsOn = (uid: number, { passwordHash, accountKeyHash }: Resting) =>
  and(
    eq(credentials.uid, uid),
    passwordHash === undefined ? undefined : eq(credentials.passwordHash, passwordHash),
    accountKeyHash == null ? undefined : eq(credentials.accountKeyHash, accountKeyHash),
  );

const hasPassword = (uid: number, passwordHash: string) =>
  sql`EXISTS (SELECT 1 FROM ${credentials} WHERE ${restsOn(uid, { passwordHash })})`;

/** A new password and the account key that came along with it; null: none. */
export type NewHashes = Pick<CredentialsRow, 'passwordHash' | 'accountKeyHash'>;

/**
 * A new password, which makes every earlier sign-in worthless except `keptSid`, and the account key of before too; null
 * where what it rests on is no more.
 */
export async function changePassword(
  db: Database,
  uid: number,
  resting: Resting,
  next: NewHashes,
  keptSid: string | null,
  now: number,
): Promise<WholeUser | null> {
  const set = db
    .update(credentials)
    .set({ ...next, updatedAt: now })
    .where(restsOn(uid, resting));
  const change = {
    accountKeySetAt: next.accountKeyHash === null ? null : now,
    credentialsChange: { keptSid },
    onlyWhere: hasPassword(uid, next.passwordHash),
  };
  return changeUser(db, uid, change, now, () => [set]);
}

/** Sets another account key, or none (null). Returns null where the password it rests on was replaced. */
export async function changeAccountKey(
  db: Database,
  uid: number,
  resting: Pick<CredentialsRow, 'passwordHash'>,
  accountKeyHash: string | null,
  now: number,
): Promise<WholeUser | null> {
  const set = db.update(credentials).set({ accountKeyHash, updatedAt: now }).where(restsOn(uid, resting));
  const accountKeySetAt = accountKeyHash === null ? null : now;
  const change = { accountKeySetAt, onlyWhere: hasPassword(uid, resting.passwordHash) };
  return changeUser(db, uid, change, now, () => [set]);
}

/** Sets the first password of a user. Null where they have one, or the username is taken or refused. */
export async function addPassword(
  db: Database,
  uid: number,
  { username, passwordHash }: { username: string; passwordHash: string },
  retired: readonly string[],
  now: number,
): Promise<WholeUser | null> {
  const nameless = sql`EXISTS (SELECT 1 FROM users WHERE id = ${uid} AND username IS NULL AND "erasedAt" IS NULL)`;
  const free = sql`${nameless} AND NOT EXISTS (SELECT 1 FROM users WHERE ${isNamed(username)})
    AND NOT ${isRetired(retired, now)}`;
  const set = db
    .insert(credentials)
    .select(sql`SELECT ${uid}, ${passwordHash}, NULL, ${now} WHERE ${free}`)
    .onConflictDoNothing();
  const change: UserChange = { username };
  const onlyWhere = hasPassword(uid, passwordHash);
  return changeUser(db, uid, { ...change, closing: true, onlyWhere }, now, () => [set]);
}

/** Stores another hash of the same password. Returns whether the earlier hash was still there. */
export async function putPasswordHash(
  db: Database,
  uid: number,
  resting: Resting,
  passwordHash: string,
  now: number,
): Promise<boolean> {
  const set = await db
    .update(credentials)
    .set({ passwordHash, updatedAt: now })
    .where(restsOn(uid, resting))
    .returning({ uid: credentials.uid });
  return set.length > 0;
}
