import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { makeExpiringMap } from '../platform/expiring-map.ts';
import { MINUTE_MS } from '../times.ts';
import { findNamed } from './store.ts';

/** A user by the two names they have. */
export interface NamedUser {
  uid: number;
  userId: string;
}

/**
 * Numbers of names that were looked up lately. A `userId` never passes to another user, so only an erasure makes an entry
 * wrong, until it is a minute old. Whatever writes must therefore ask for the user's row itself.
 */
const uids = makeExpiringMap<string, number>(MINUTE_MS, 10_000);

/** How often a name was forgotten: what was asked for before that is not kept after it. */
let forgotten = 0;

/** The users of these names, in their order; refuses `user_not_found` where there is not every one. */
export async function requireNamed(
  { db, now }: Pick<Deps, 'db' | 'now'>,
  userIds: readonly string[],
): Promise<NamedUser[]> {
  const at = now();
  const distinct = [...new Set(userIds)];
  const found = new Map(distinct.map(userId => [userId, uids.get(userId, at)]));
  const asked = distinct.filter(userId => found.get(userId) === undefined);
  if (asked.length > 0) {
    const before = forgotten;
    for (const { uid, userId } of await findNamed(db, asked)) {
      found.set(userId, uid);
      if (forgotten === before) uids.set(userId, uid, at);
    }
  }
  return userIds.map(userId => {
    const uid = found.get(userId);
    if (uid === undefined) throw new AppError('user_not_found', { detail: userId });
    return { uid, userId };
  });
}

/** To be called when a user is erased: here it works at once, in other isolates within a minute. */
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
