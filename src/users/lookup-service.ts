import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { findNamed } from './store.ts';

/** A user by the two names they have. */
export interface NamedUser {
  uid: number;
  userId: string;
}

/**
 * Names that were looked up lately: a `userId` is one user's for ever, so that only their erasure makes this wrong, for
 * as long. Whatever writes must therefore ask for the user's row itself.
 */
const uids = new Map<string, { uid: number; at: number }>();

const NAMES_KEPT_MS = 60_000;

const MOST_NAMES = 10_000;

/** How often a name was forgotten: what was asked for before that is not kept after it. */
let forgotten = 0;

/** The users of these names, in their order; refuses `user_not_found` where there is not every one. */
export async function requireNamed(
  { db, now }: Pick<Deps, 'db' | 'now'>,
  userIds: readonly string[],
): Promise<NamedUser[]> {
  const at = now();
  const found = new Map<string, number>();
  for (const userId of userIds) {
    const known = uids.get(userId);
    if (known && Math.abs(at - known.at) < NAMES_KEPT_MS) found.set(userId, known.uid);
  }
  const asked = [...new Set(userIds)].filter(userId => !found.has(userId));
  if (asked.length > 0) {
    if (uids.size + asked.length > MOST_NAMES) uids.clear();
    const before = forgotten;
    for (const { uid, userId } of await findNamed(db, asked)) {
      found.set(userId, uid);
      if (forgotten === before) uids.set(userId, { uid, at });
    }
  }
  return userIds.map(userId => {
    const uid = found.get(userId);
    if (uid === undefined) throw new AppError('user_not_found', { detail: userId });
    return { uid, userId };
  });
}

/** To be called for who is erased: here at once, in other isolates when their time is over. */
export function forgetName(userId: string): void {
  forgotten += 1;
  uids.delete(userId);
}

/** The user of this name; refuses `user_not_found`. */
export async function requireUid(deps: Pick<Deps, 'db' | 'now'>, userId: string): Promise<NamedUser> {
  const [user] = await requireNamed(deps, [userId]);
  if (!user) throw new AppError('user_not_found');
  return user;
}

/** What users are called, in the order they were asked for; refuses `user_not_found` where there is not every one. */
export async function readScreenNames(
  { db }: Pick<Deps, 'db'>,
  userIds: readonly string[],
): Promise<{ userId: string; displayName: string | null }[]> {
  const found = new Map((await findNamed(db, userIds)).map(row => [row.userId, row]));
  return userIds.map(userId => {
    const row = found.get(userId);
    if (!row) throw new AppError('user_not_found', { detail: userId });
    return row;
  });
}
