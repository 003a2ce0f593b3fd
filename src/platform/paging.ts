/** How a repair reads what it has to do: rows with a higher id than `after`, in order, at most `limit`. */
export type ReadPage<Row> = (after: number, limit: number) => Promise<Row[]>;

export interface Repair<Row extends { id: number }> {
  readPage: ReadPage<Row>;
  /** How many rows there are, and the highest of their ids. */
  measure: () => Promise<{ count: number; lastId: number }>;
  /** Rejects where the row has to wait for the next run. */
  repair: (row: Row) => Promise<void>;
  /** How many rows are worked on at once, and how many such pages one run goes through. */
  atOnce: number;
  pages: number;
}

/** How long one row may hold up its page. */
const LONGEST_MS = 15_000;

/**
 * Repairs one run's worth of rows, in order; `failed` hears of each that was not done. Where there are more than one run
 * can take, it begins at a random place and goes round from there: so no number of rows that fail every time holds up the
 * others. How many rows were done.
 */
export async function repairInPages<Row extends { id: number }>(
  { readPage, measure, repair, atOnce, pages }: Repair<Row>,
  failed: (reason: unknown) => void,
): Promise<number> {
  let done = 0;
  const work = async (rows: readonly Row[]) => {
    for (const outcome of await Promise.allSettled(rows.map(row => withinTime(repair(row))))) {
      if (outcome.status === 'fulfilled') done += 1;
      else failed(outcome.reason);
    }
  };
  const { count, lastId } = await measure();
  if (count === 0) return done;
  const start = count > atOnce * pages ? Math.floor(Math.random() * lastId) : 0;
  let after = start;
  let isAround = start === 0;
  for (let page = 0; page < pages; page += 1) {
    const rows = await readPage(after, atOnce);
    await work(isAround && start > 0 ? rows.filter(({ id }) => id <= start) : rows);
    after = rows.at(-1)?.id ?? lastId;
    const isLast = rows.length < atOnce || (isAround && start > 0 && after >= start);
    if (isLast && isAround) break;
    if (isLast) [after, isAround] = [0, true];
  }
  return done;
}

/** An object that never answers counts as one that fails. */
async function withinTime(work: Promise<void>): Promise<void> {
  const late = scheduler.wait(LONGEST_MS).then(() => {
    throw new Error('took too long');
  });
  late.catch(() => {});
  work.catch(() => {});
  await Promise.race([work, late]);
}
