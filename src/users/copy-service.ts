import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere } from '../errors.ts';
import { logFault } from '../log.ts';
import { repairInPages } from '../platform/paging.ts';
import { type ChangedUser, findLagging, markCopied, measureLagging } from './change-store.ts';
import type { UserRecord } from './contract.ts';
import { toUser } from './record.ts';
import { findUserByUid } from './store.ts';

/** How many records a change of a role brings to their objects before it answers; the cron trigger does the rest. */
export const COPIES_AT_ONCE = 200;

/** How many pages of lagging copies one run of the cron trigger goes through. */
const PAGES_AT_ONCE = 10;

export type Publishing = Pick<Deps, 'db' | 'now' | 'deviceSessions' | 'presence' | 'defer'>;

/** To be called once the user's object holds the copy. */
export async function noteCopied(deps: Pick<Deps, 'db'>, { uid, version }: UserRecord): Promise<void> {
  await markCopied(deps.db, uid, version);
}

/** Brings lagging copies to their objects: the cron trigger's part in keeping copies true. How many it brought. */
export async function repairCopies(deps: Publishing): Promise<number> {
  const lagging = {
    readPage: (after: number, limit: number) => findLagging(deps.db, after, limit),
    measure: () => measureLagging(deps.db),
    repair: ({ id }: { id: number }) => copyAgain(deps, id, record => dropBarePresence(deps, record)),
    atOnce: COPIES_AT_ONCE,
    pages: PAGES_AT_ONCE,
  };
  return repairInPages(lagging, reason => logFault('copy not taken', reason));
}

/** Brings the copies of these users; 503 where some of them will be brought by the cron trigger. */
export async function publishMany(deps: Publishing, uids: number[]): Promise<void> {
  const copied = await Promise.allSettled(uids.slice(0, COPIES_AT_ONCE).map(uid => copyAgain(deps, uid)));
  const missed = uids.length > COPIES_AT_ONCE || copied.some(outcome => outcome.status === 'rejected');
  if (missed) throw new AppError('copy_pending', { headers: { 'Retry-After': '60' } });
}

async function copyAgain(
  deps: Publishing,
  uid: number,
  alsoDo: (record: UserRecord) => Promise<void> = async () => {},
): Promise<void> {
  const found = await findUserByUid(deps.db, uid);
  if (!found) return;
  const { record } = toUser(found);
  await deps.deviceSessions(record.uid).takeCopy(record);
  await alsoDo(record);
  await noteCopied(deps, record);
}

/** A presence that a bare `userId` set goes with the closing of its user. */
async function dropBarePresence(deps: Publishing, { uid, entry }: UserRecord): Promise<void> {
  if (entry === 'closed') await deps.presence(uid).dropBare();
}

/** Brings a changed record to its user's object: the change is answered only once that holds it. */
export async function publish(deps: Publishing, changed: ChangedUser | null): Promise<UserRecord> {
  if (!changed) throw new AppError('user_not_found');
  const { record } = toUser(changed);
  const taking = async () => {
    const taken = await deps.deviceSessions(record.uid).takeCopy(record);
    if (changed.justClosed) await dropBarePresence(deps, record);
    return taken;
  };
  const taken = await taking().catch(error => {
    logFault('copy not taken', error);
    throw new AppError('copy_pending', { headers: { 'Retry-After': '60' } });
  });
  deps.defer(later => noteCopied(later, record));
  requireEverywhere(taken);
  return record;
}
