import { and, eq } from 'drizzle-orm';
import type { Database } from '../db.ts';
import type { KeyKind } from './rules.ts';
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
