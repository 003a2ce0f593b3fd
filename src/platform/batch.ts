import type { BatchItem } from 'drizzle-orm/batch';
import type { Database } from './database.ts';

export type Statement = BatchItem<'sqlite'>;

/** What each statement answers, under its name. */
export type Answers<Named extends Record<string, Statement>> = {
  [Name in keyof Named]: Named[Name]['_']['result'];
};

/**
 * Runs statements as one transaction and one trip, in their order, and answers by their names. Statements without an
 * answer that matters go into `before`.
 */
export async function runBatch<Named extends Record<string, Statement>>(
  db: Database,
  named: Named,
  before: readonly Statement[] = [],
): Promise<Answers<Named>> {
  const answers: unknown[] = await db.batch([...before, ...Object.values(named)] as never);
  const byName = Object.keys(named).map((name, index) => [name, answers[before.length + index]]);
  return Object.fromEntries(byName) as Answers<Named>;
}
