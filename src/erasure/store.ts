import { and, asc, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Database } from '../platform/database.ts';
import { profileAttributes } from '../profiles/table.ts';
import type { RetiredName } from '../retired-names/store.ts';
import { retiredNames } from '../retired-names/table.ts';
import { credentials, locators, photos, userRoles, users } from '../users/table.ts';

/**
 * Marks a user: from now on no read finds them, and their `userId` stays taken for ever. Raises the versions, so
 * that no sign-in that read them before is let in. False where they were marked before, or never were.
 */
export async function markErased(
  db: Database,
  uid: number,
  name: RetiredName,
  now: number,
): Promise<boolean> {
  const [marked] = await db.batch([
    db
      .update(users)
      .set({
        erasedAt: now,
        version: sql`${users.version} + 1`,
        credentialVersion: sql`${users.credentialVersion} + 1`,
      })
      .where(and(eq(users.id, uid), isNull(users.erasedAt)))
      .returning({ id: users.id }),
    db.insert(retiredNames).values(name).onConflictDoNothing(),
  ]);
  return marked.length > 0;
}

/** Users who are marked and still have rows, after this one. */
export async function findErased(
  db: Database,
  afterId: number,
  limit: number,
): Promise<Pick<typeof users.$inferSelect, 'id' | 'userId' | 'username'>[]> {
  return db
    .select({ id: users.id, userId: users.userId, username: users.username })
    .from(users)
    .where(and(isNotNull(users.erasedAt), gt(users.id, afterId)))
    .orderBy(asc(users.id))
    .limit(limit);
}

/** Deletes every row of a marked user; the mark goes last, in the same transaction. */
export async function deleteErased(db: Database, uid: number): Promise<void> {
  const marked = sql`EXISTS (SELECT 1 FROM users WHERE id = ${uid} AND "erasedAt" IS NOT NULL)`;
  const deletions: BatchItem<'sqlite'>[] = [credentials, photos, userRoles, locators, profileAttributes].map(
    table => db.delete(table).where(and(eq(table.uid, uid), marked)),
  );
  await db.batch([
    ...deletions,
    db.delete(users).where(and(eq(users.id, uid), isNotNull(users.erasedAt))),
  ] as never);
}
