import { and, desc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import { registrationCodes } from './table.ts';

export type CodeRow = typeof registrationCodes.$inferSelect;

/** How many codes are listed, the newest first. */
const MOST_LISTED = 1_000;

export async function insertCode(db: Database, row: CodeRow): Promise<void> {
  await db.insert(registrationCodes).values(row);
}

export async function listCodes(db: Database): Promise<CodeRow[]> {
  return db.select().from(registrationCodes).orderBy(desc(registrationCodes.createdAt)).limit(MOST_LISTED);
}

/** Whether there was one. */
export async function deleteCode(db: Database, id: string): Promise<boolean> {
  const deleted = await db
    .delete(registrationCodes)
    .where(eq(registrationCodes.id, id))
    .returning({ id: registrationCodes.id });
  return deleted.length > 0;
}

/** Spends one use of a code, in one statement; its id, or null where it is none, has expired or is used up. */
export async function spendUse(db: Database, codeHash: string, now: number): Promise<string | null> {
  const { id, usesLeft, expiresAt } = registrationCodes;
  const [spent] = await db
    .update(registrationCodes)
    .set({ usesLeft: sql`${usesLeft} - 1` })
    .where(
      and(
        eq(registrationCodes.codeHash, codeHash),
        gt(usesLeft, 0),
        or(isNull(expiresAt), gt(expiresAt, now)),
      ),
    )
    .returning({ id });
  return spent?.id ?? null;
}

/** Gives a use back, where the code is still there. */
export async function restoreUse(db: Database, id: string): Promise<void> {
  const { usesLeft } = registrationCodes;
  await db
    .update(registrationCodes)
    .set({ usesLeft: sql`min(${usesLeft} + 1, ${registrationCodes.uses})` })
    .where(eq(registrationCodes.id, id));
}
