import { and, asc, eq, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Database } from '../db.ts';
import { credentials, locators, photos, profileAttributes, retiredNames, userRoles, users } from './table.ts';

export type RetiredName = typeof retiredNames.$inferSelect;

/** Whether one of these hashes is of a name that is not issued again, or that a ban refuses. */
export function isRetired(hashes: readonly string[], now: number): SQL {
  if (hashes.length === 0) return sql`0`;
  const { hash, kind, until } = retiredNames;
  return sql`EXISTS (SELECT 1 FROM ${retiredNames} WHERE ${inArray(hash, [...hashes])}
    AND (${kind} = 'name' OR ${until} IS NULL OR ${until} > ${now}))`;
}

/**
 * Marks a user: from now on no read finds them, and their names stay taken for ever. Raises the versions, so that
 * no sign-in that read them before is let in. False where they were marked before, or never were.
 */
export async function markErased(
  db: Database,
  uid: number,
  retired: readonly RetiredName[],
  now: number,
): Promise<boolean> {
  const standing = and(eq(users.id, uid), isNull(users.erasedAt));
  const retire = retired.map(row => db.insert(retiredNames).values(row).onConflictDoNothing());
  const mark = db
    .update(users)
    .set({
      erasedAt: now,
      version: sql`${users.version} + 1`,
      credentialVersion: sql`${users.credentialVersion} + 1`,
    })
    .where(standing)
    .returning({ id: users.id });
  const answers: unknown[] = await db.batch([mark, ...retire] as never);
  return (answers[0] as unknown[]).length > 0;
}

/** Users who are marked and still have rows, the longest marked first. */
export async function findErased(
  db: Database,
  limit: number,
): Promise<{ uid: number; username: string | null }[]> {
  return db
    .select({ uid: users.id, username: users.username })
    .from(users)
    .where(isNotNull(users.erasedAt))
    .orderBy(asc(users.erasedAt))
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

/** Lifts the ban that outlived an erased user, by the hashes of their `userId`; whether there was one. */
export async function deleteRetiredBan(db: Database, owners: readonly string[]): Promise<boolean> {
  const lifted = await db
    .delete(retiredNames)
    .where(and(inArray(retiredNames.owner, [...owners]), eq(retiredNames.kind, 'ban')))
    .returning({ hash: retiredNames.hash });
  return lifted.length > 0;
}

/** Forgets bans that are over. */
export async function deleteLapsedBans(db: Database, now: number): Promise<void> {
  await db
    .delete(retiredNames)
    .where(
      and(eq(retiredNames.kind, 'ban'), isNotNull(retiredNames.until), sql`${retiredNames.until} <= ${now}`),
    );
}
