import { and, asc, eq, isNull, lt, or } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import type { KeyKind, KeyName } from './rules.ts';
import { keys } from './table.ts';

export type KeyRow = typeof keys.$inferSelect;

export async function findKey(db: Database, kind: KeyKind, id: string): Promise<KeyRow | null> {
  const row = await db
    .select()
    .from(keys)
    .where(and(eq(keys.id, id), eq(keys.kind, kind)))
    .get();
  return row ?? null;
}

export async function listKeys(db: Database): Promise<KeyRow[]> {
  return db.select().from(keys).orderBy(asc(keys.createdAt), asc(keys.id));
}

export async function insertKey(db: Database, row: Omit<KeyRow, 'lastUsedAt'>): Promise<KeyRow> {
  return db.insert(keys).values(row).returning().get();
}

/** Returns whether there was such a key. */
export async function deleteKey(db: Database, id: string): Promise<boolean> {
  const gone = await db.delete(keys).where(eq(keys.id, id)).returning({ id: keys.id });
  return gone.length > 0;
}

/** Notes a use and the version of the key's master secret, unless a use at or after `since` is noted already. */
export async function markKeyUsed(
  db: Database,
  { id, version }: Pick<KeyName, 'id' | 'version'>,
  now: number,
  since: number,
): Promise<void> {
  await db
    .update(keys)
    .set({ lastUsedAt: now, version })
    .where(and(eq(keys.id, id), or(isNull(keys.lastUsedAt), lt(keys.lastUsedAt, since))));
}
