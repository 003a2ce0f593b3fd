import { and, eq, inArray, isNotNull, type SQL, sql } from 'drizzle-orm';
import { runBatch } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import { retiredNames, walletOwners } from './table.ts';

/** What a name may be kept as: a hash for each secret there is, that of the newest first. */
export type KeyedHashes = readonly [newest: string, ...older: string[]];

export type RetiredName = typeof retiredNames.$inferSelect;

/** Whether one of these hashes is of a name that is not issued now, or that a ban refuses. */
export function isRetired(hashes: readonly string[], now: number): SQL {
  if (hashes.length === 0) return sql`0`;
  const { hash, until } = retiredNames;
  return sql`EXISTS (SELECT 1 FROM ${retiredNames} WHERE ${hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))
    AND (${until} IS NULL OR ${until} > ${now}))`;
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

/**
 * Lifts the ban that outlived an erased user, by the hashes of their `userId`; whether there was one. Their username is
 * free with it: a secret key said so.
 */
export async function deleteRetiredBan(db: Database, owners: readonly string[]): Promise<boolean> {
  const { owner, kind, until, hash } = retiredNames;
  const isOwn = inArray(owner, [...owners]);
  const hasBan = sql`EXISTS (SELECT 1 FROM ${retiredNames} WHERE ${isOwn} AND ${kind} = 'ban')`;
  const { lifted } = await runBatch(db, {
    freed: db.delete(retiredNames).where(and(isOwn, eq(kind, 'name'), isNotNull(until), hasBan)),
    lifted: db
      .delete(retiredNames)
      .where(and(isOwn, eq(kind, 'ban')))
      .returning({ hash }),
  });
  return lifted.length > 0;
}

/** The ban that outlived an erased user, by the hashes of their `userId`: the longest one in force. */
export async function findRetiredBanOf(
  db: Database,
  owners: readonly string[],
  now: number,
): Promise<{ until: number | null } | null> {
  const { owner, kind, until } = retiredNames;
  const [ban] = await db
    .select({ until })
    .from(retiredNames)
    .where(and(inArray(owner, [...owners]), eq(kind, 'ban'), sql`coalesce(${until}, 9e15) > ${now}`))
    .orderBy(sql`coalesce(${until}, 9e15) DESC`)
    .limit(1);
  return ban ?? null;
}

/** Forgets bans that are over, and names that are free again. */
export async function deleteLapsed(db: Database, now: number): Promise<void> {
  await db
    .delete(retiredNames)
    .where(and(isNotNull(retiredNames.until), sql`${retiredNames.until} <= ${now}`));
}

/** Of the keyed hashes of one wallet, the one under which its owners are stored; the newest where none is yet. */
export function knownHash(hashes: KeyedHashes): SQL<string> {
  const { walletHash } = walletOwners;
  return sql`coalesce((SELECT ${walletHash} FROM ${walletOwners}
    WHERE ${walletHash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)})) LIMIT 1), ${hashes[0]})`;
}
