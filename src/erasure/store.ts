import { and, asc, count, eq, gt, isNotNull, isNull, max, sql } from 'drizzle-orm';
import { runBatch } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import { profileAttributes } from '../profiles/table.ts';
import type { KeyedHashes, RetiredName } from '../retired-names/store.ts';
import { retiredNames } from '../retired-names/table.ts';
import { noteWalletOwner } from '../users/change-store.ts';
import type { LocatorKey } from '../users/store.ts';
import { credentials, locators, photos, userRoles, users } from '../users/table.ts';

/**
 * Marks a user: from now on no read finds them, and their `userId` stays taken. Raises the versions, so
 * that no sign-in that read them before is let in. False where they were marked before, or never were.
 */
export async function markErased(
  db: Database,
  uid: number,
  names: readonly RetiredName[],
  now: number,
): Promise<boolean> {
  const { marked } = await runBatch(db, {
    marked: db
      .update(users)
      .set({
        erasedAt: now,
        version: sql`${users.version} + 1`,
        credentialVersion: sql`${users.credentialVersion} + 1`,
      })
      .where(and(eq(users.id, uid), isNull(users.erasedAt)))
      .returning({ id: users.id }),
    names: db
      .insert(retiredNames)
      .values([...names])
      .onConflictDoUpdate({
        target: [retiredNames.hash, retiredNames.kind],
        set: { owner: sql`excluded."owner"`, until: sql`excluded."until"` },
      }),
  });
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

/** How many users are marked, and the latest of them. */
export async function measureErased(db: Database): Promise<{ count: number; lastId: number }> {
  const [row] = await db
    .select({ count: count(), lastId: max(users.id) })
    .from(users)
    .where(isNotNull(users.erasedAt));
  return { count: row?.count ?? 0, lastId: row?.lastId ?? 0 };
}

/** A wallet, and the keyed hashes of its owners' list. */
export interface KnownWallet {
  key: LocatorKey;
  owner: KeyedHashes;
}

/**
 * Deletes every row of a marked user; the mark goes last, in the same transaction. That these wallets were theirs stays
 * known, by keyed hashes.
 */
export async function deleteErased(
  db: Database,
  uid: number,
  wallets: readonly KnownWallet[],
): Promise<void> {
  const marked = sql`EXISTS (SELECT 1 FROM users WHERE id = ${uid} AND "erasedAt" IS NOT NULL)`;
  const deletions = [credentials, photos, userRoles, locators, profileAttributes].map(table =>
    db.delete(table).where(and(eq(table.uid, uid), marked)),
  );
  const user = db.delete(users).where(and(eq(users.id, uid), isNotNull(users.erasedAt)));
  await runBatch(db, { user }, [
    ...wallets.map(({ key, owner }) => noteWalletOwner(db, key, owner)),
    ...deletions,
  ]);
}
