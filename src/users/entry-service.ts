import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import {
  type EntryLocator,
  type EntryRow,
  findEntriesByLocators,
  findEntry,
  findNamed,
  insertUserWithLocators,
  listEntries,
  type SetLocator,
  type WantedAttributes,
} from './entry-store.ts';

import { hashName, type Name } from './name-service.ts';

export type { EntryAttribute, EntryLocator, EntryRow, WantedAttributes } from './entry-store.ts';

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

/**
 * Makes a user for an application's server, with locators that are theirs alone; refuses `duplicate_entity` where the name
 * or a locator belongs, or belonged, to somebody else. Naming them opens nothing.
 */
export async function createEntry(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  { userId, displayName }: { userId: string | null; displayName: string },
  locators: readonly Omit<SetLocator, 'userLocatorId'>[],
): Promise<string> {
  const name = userId ?? uuid();
  const user = { userId: name, entry: 'closed', displayName, profileHandle: null } as const;
  const names: Name[] = [['userId', name], ...locators.map(({ type, value }) => [type, value] as const)];
  const hashes = (await Promise.all(names.map(each => hashName(deps, each)))).flat();
  const own = locators.map(locator => ({ ...locator, userLocatorId: uuid() }));
  const made = await insertUserWithLocators(deps.db, user, own, hashes, deps.now()).catch(error => {
    if (isTaken(error)) return false;
    throw error;
  });
  if (!made) throw new AppError('duplicate_entity');
  return name;
}

/** Whether a transaction failed because what it writes is somebody's already. */
export function isTaken(error: unknown): boolean {
  const { message, cause } = error as Error;
  return /UNIQUE constraint failed/.test(`${message} ${(cause as Error | undefined)?.message}`);
}

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

export async function readEntry(
  { db }: Pick<Deps, 'db'>,
  userId: string,
  wanted: WantedAttributes,
): Promise<EntryRow> {
  const entry = await findEntry(db, userId, wanted);
  if (!entry) throw new AppError('user_not_found');
  return entry;
}

/** A page of all users, and after whom the next begins. */
export async function readEntries(
  { db }: Pick<Deps, 'db'>,
  { afterId, limit, wanted }: { afterId: number; limit: number; wanted: WantedAttributes },
): Promise<{ entries: EntryRow[]; next: number | null }> {
  const rows = await listEntries(db, afterId, wanted, limit + 1);
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

/** The users whom these locators are reserved for; nobody for those that users merely say of themselves. */
export async function readEntriesByLocators(
  { db }: Pick<Deps, 'db'>,
  locators: readonly Pick<EntryLocator, 'type' | 'value'>[],
  wanted: WantedAttributes,
): Promise<EntryRow[]> {
  return findEntriesByLocators(db, locators, wanted);
}
