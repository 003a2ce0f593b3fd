import { and, eq, inArray, isNotNull, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import { retiredNames } from './table.ts';

export type RetiredName = typeof retiredNames.$inferSelect;

/** Whether one of these hashes is of a name that is not issued again, or that a ban refuses. */
export function isRetired(hashes: readonly string[], now: number): SQL {
  if (hashes.length === 0) return sql`0`;
  const { hash, kind, until } = retiredNames;
  return sql`EXISTS (SELECT 1 FROM ${retiredNames} WHERE ${hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))
    AND (${kind} = 'name' OR ${until} IS NULL OR ${until} > ${now}))`;
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
