import { and, asc, eq, gt, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Database } from '../db.ts';
import { credentials, locators, photos, profileAttributes, retiredNames, userRoles, users } from './table.ts';

export type RetiredName = typeof retiredNames.$inferSelect;

/** Whether one of these hashes is of a name that is not issued again, or that a ban refuses. */
export function isRetired(hashes: readonly string[], now: number): SQL {
  if (hashes.length === 0) return sql`0`;
  const { hash, kind, until } = retiredNames;
  return sql`EXISTS (SELECT 1 FROM ${retiredNames} WHERE ${hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))
    AND (${kind} = 'name' OR ${until} IS NULL OR ${until} > ${now}))`;
}

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

/** Remembers what a ban goes on refusing; of two bans on one name the longer one counts. */
export async function retireNames(db: Database, refused: readonly RetiredName[]): Promise<void> {
  const [first, ...others] = refused.map(row =>
    db
      .insert(retiredNames)
      .values(row)
      .onConflictDoUpdate({
        target: [retiredNames.hash, retiredNames.kind],
        set: {
          owner: row.owner,
          until: sql`nullif(max(coalesce("until", 9e15), coalesce(excluded."until", 9e15)), 9e15)`,
        },
      }),
  );
  if (first) await db.batch([first, ...others]);
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
