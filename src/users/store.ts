import { and, eq, lt, sql } from 'drizzle-orm';
import type { Database } from '../db.ts';
import { users } from './table.ts';

export type UserRow = typeof users.$inferSelect;
export type NewUser = Pick<UserRow, 'userId' | 'entry' | 'displayName' | 'profileHandle'>;

export async function findUserByUserId(db: Database, userId: string): Promise<UserRow | null> {
  return (await db.select().from(users).where(eq(users.userId, userId)).get()) ?? null;
}

/** The new row, or null where the `userId` is taken: one of many racing inserts wins. */
export async function insertUser(db: Database, user: NewUser, now: number): Promise<UserRow | null> {
  const row = await db
    .insert(users)
    .values({ ...user, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
    .returning()
    .get();
  return row ?? null;
}

/** Changes members of the record and raises its version; null where there is no such user. */
export async function updateUser(
  db: Database,
  uid: number,
  change: Partial<Pick<UserRow, 'displayName' | 'profileHandle'>>,
  now: number,
): Promise<UserRow | null> {
  const row = await db
    .update(users)
    .set({ ...change, version: sql`${users.version} + 1`, updatedAt: now })
    .where(eq(users.id, uid))
    .returning()
    .get();
  return row ?? null;
}

/** Notes that the user's object holds this version of the record; an older note never lowers a newer one. */
export async function markCopied(db: Database, uid: number, version: number): Promise<void> {
  await db
    .update(users)
    .set({ copiedVersion: version })
    .where(and(eq(users.id, uid), lt(users.copiedVersion, version)));
}
