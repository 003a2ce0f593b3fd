import type { Deps } from '../deps.ts';
import { DAY_MS, RESERVATION_MS } from './rules.ts';
import { deleteBytes, forgetUploads } from './service.ts';
import { claimLoose, deleteLapsedIds } from './store.ts';

/** How much the sweeper takes in one run, of what it claims and of what it forgets. */
const SWEPT_AT_ONCE = 200;

/**
 * Deletes uploads that no photo used within a day, and parts of uploads that a crash interrupted. A row is claimed first, so
 * that an upload is either used or swept, never both. Then its bytes go. The row goes when the bytes are gone and its day
 * is over. Returns how many were claimed or forgotten.
 */
export async function sweepUploads(deps: Pick<Deps, 'db' | 'files' | 'now'>): Promise<number> {
  const now = deps.now();
  const until = { storedUntil: now - DAY_MS, reservedUntil: now - RESERVATION_MS };
  const { claimed, over } = await claimLoose(deps.db, until, SWEPT_AT_ONCE);
  const swept = [...new Map([...claimed, ...over].map(row => [row.id, row])).values()];
  await deleteBytes(deps, swept);
  await forgetUploads(deps, over);
  return swept.length;
}

/** Frees ids of clients' choice a year after their uploads went. Returns how many. */
export async function freeRetiredIds({ db, now }: Pick<Deps, 'db' | 'now'>): Promise<number> {
  return deleteLapsedIds(db, now());
}
