import type { Deps } from '../deps.ts';
import type { Caller } from '../device-sessions/service.ts';
import {
  createEntry,
  type EntryRow,
  readEntries,
  readEntriesByLocators,
  readEntry,
  readScreenNames,
  requireUid,
  type WantedAttributes,
} from '../users/entry-service.ts';
import { eraseUser } from '../users/erasure-service.ts';
import { updateUser } from '../users/service.ts';
import { managedId, openAccess, resolveOwn, resolveTarget, SYSTEM } from './access-service.ts';
import type { LocatorName } from './locator-contract.ts';
import type { NewDirectoryUser } from './user-contract.ts';

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
