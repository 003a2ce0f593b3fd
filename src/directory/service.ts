import type { Caller } from '../access/caller.ts';
import {
  managedId,
  openAccess,
  resolveOwn,
  resolveTarget,
  SYSTEM,
  targetUser,
} from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { eraseUser } from '../erasure/service.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import type { LocatorName } from '../locators/contract.ts';
import type { WantedAttributes } from '../profiles/store.ts';
import { hashName, type Name } from '../retired-names/service.ts';
import type { UserRecord } from '../users/contract.ts';
import { readScreenNames, requireUid } from '../users/lookup-service.ts';
import { updateUser } from '../users/service.ts';
import type { EntryLocator } from '../users/store.ts';
import type { NewDirectoryUser, UserPatch } from './contract.ts';
import {
  type EntryRow,
  findEntriesByLocators,
  findEntry,
  insertUserWithLocators,
  listEntries,
  type SetLocator,
} from './store.ts';

/** Changes what a user's record shows; `null` and absent members stay, an empty text clears. */
export async function patchUser(deps: Deps, userId: string, patch: UserPatch): Promise<UserRecord> {
  const record = await targetUser(deps, userId);
  const given = Object.entries(patch).filter(([, value]) => value != null);
  if (given.length === 0) return record;
  const change = Object.fromEntries(given.map(([name, value]) => [name, value === '' ? null : value]));
  return updateUser(deps, record.uid, change);
}

/** An entry, and whether whoever asks is shown what concerns only the user themself. */
export interface ShownEntry {
  /** Null: the built-in user that every secret key is. */
  entry: EntryRow | null;
  whole: boolean;
}

/** Makes a user; refuses `duplicate_entity`. Their `userId`, generated where none was given. */
export async function createUser(deps: Deps, input: NewDirectoryUser): Promise<string> {
  const { userId = null, screenName, userLocators } = input;
  const locators = (userLocators ?? []).map(({ type, value, verificationStatus }) => ({
    type,
    value,
    verificationStatus: verificationStatus ?? ('StatusNotProvided' as const),
  }));
  return createEntry(deps, { userId, displayName: screenName.screenName }, locators);
}

/** What the directory has on a user. */
export async function readUser(
  deps: Deps,
  caller: Caller,
  id: string,
  wanted: WantedAttributes,
): Promise<ShownEntry> {
  const { userId, self, bySystem } = await resolveTarget(deps, caller, id);
  if (userId === SYSTEM) return { entry: null, whole: true };
  return { entry: await readEntry(deps, userId, wanted), whole: bySystem || self !== null };
}

/** A profile may be a megabyte: a page with profiles is shorter. */
const MOST_PROFILES = 20;

/** One page of all users, or those these locators are reserved for. */
export async function listUsers(
  deps: Deps,
  query: {
    locators: readonly LocatorName[] | undefined;
    afterId: number;
    limit: number;
    wanted: WantedAttributes;
  },
): Promise<{ entries: EntryRow[]; next: number | null }> {
  const { locators, wanted } = query;
  if (!locators) {
    const limit = wanted === null ? query.limit : Math.min(query.limit, MOST_PROFILES);
    return readEntries(deps, { ...query, limit });
  }
  return { entries: await readEntriesByLocators(deps, locators, wanted), next: null };
}

/** Erases a user; refuses what is not a user's to lose. */
export async function deleteUser(deps: Deps, id: string): Promise<void> {
  await eraseUser(deps, (await requireUid(deps, managedId(id))).uid);
}

/** Gives a user another name to be shown by. */
export async function rename(deps: Deps, caller: Caller, id: string, screenName: string): Promise<void> {
  const { userId, self } = await resolveOwn(deps, caller, id);
  const { uid } = self ?? (await requireUid(deps, userId));
  await updateUser(deps, uid, { displayName: screenName });
}

/** What users are called; refuses `user_not_found` where there is not every one. */
export async function readNames(
  deps: Deps,
  caller: Caller,
  ids: readonly string[],
): Promise<{ userId: string; displayName: string | null }[]> {
  const targets = ids.map(await openAccess(deps, caller));
  if (targets.every(({ self }) => self !== null)) {
    return targets.map(({ self, userId }) => ({ userId, displayName: self?.displayName ?? null }));
  }
  return readScreenNames(
    deps,
    targets.map(({ userId }) => userId),
  );
}

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
function isTaken(error: unknown): boolean {
  const { message, cause } = error as Error;
  return /UNIQUE constraint failed/.test(`${message} ${(cause as Error | undefined)?.message}`);
}

async function readEntry(
  { db }: Pick<Deps, 'db'>,
  userId: string,
  wanted: WantedAttributes,
): Promise<EntryRow> {
  const entry = await findEntry(db, userId, wanted);
  if (!entry) throw new AppError('user_not_found');
  return entry;
}

/** A page of all users, and after whom the next begins. */
async function readEntries(
  { db }: Pick<Deps, 'db'>,
  { afterId, limit, wanted }: { afterId: number; limit: number; wanted: WantedAttributes },
): Promise<{ entries: EntryRow[]; next: number | null }> {
  const rows = await listEntries(db, afterId, wanted, limit + 1);
  const entries = rows.slice(0, limit);
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

/** The users whom these locators are reserved for; nobody for those that users merely say of themselves. */
async function readEntriesByLocators(
  { db }: Pick<Deps, 'db'>,
  locators: readonly Pick<EntryLocator, 'type' | 'value'>[],
  wanted: WantedAttributes,
): Promise<EntryRow[]> {
  return findEntriesByLocators(db, locators, wanted);
}
