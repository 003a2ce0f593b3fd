import type { Caller } from '../access/caller.ts';
import {
  makeResolver,
  managedId,
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
import { writtenByOwner } from '../users/rules.ts';
import { updateUser } from '../users/service.ts';
import type { NewDirectoryUser, UserPatch } from './contract.ts';
import {
  type DirectoryName,
  type DirectoryUser,
  findDirectoryUser,
  findUsersAfter,
  findUsersByLocators,
  insertUserWithLocators,
} from './store.ts';

/** A user, and whether the caller sees the members that are for the user alone. */
export interface ShownUser {
  /** Null: the built-in user that every secret key is. */
  user: DirectoryUser | null;
  whole: boolean;
}

/** A profile may be a megabyte: a page with profiles is shorter. */
const MOST_PROFILES = 20;

/**
 * Makes a user, with locators that are theirs alone; refuses `duplicate_entity` where the name or a locator belongs, or
 * belonged, to somebody else. Their entry is closed: naming them opens nothing. Their `userId`, generated where none was
 * given.
 */
export async function createUser(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  input: NewDirectoryUser,
): Promise<string> {
  const userId = input.userId ?? uuid();
  const { screenName: displayName } = input.screenName;
  const user = { userId, entry: 'closed', displayName, profileHandle: null } as const;
  const locators = (input.userLocators ?? []).map(({ type, value, verificationStatus }) => ({
    userLocatorId: uuid(),
    type,
    value,
    verificationStatus: verificationStatus ?? ('StatusNotProvided' as const),
  }));
  const names: Name[] = [['userId', userId], ...locators.map(({ type, value }) => [type, value] as const)];
  const hashes = (await Promise.all(names.map(name => hashName(deps, name)))).flat();
  const made = await insertUserWithLocators(deps.db, user, locators, hashes, deps.now()).catch(error => {
    if (isTaken(error)) return false;
    throw error;
  });
  if (!made) throw new AppError('duplicate_entity');
  return userId;
}

/** Whether a transaction failed because what it writes is somebody's already. */
function isTaken(error: unknown): boolean {
  const { message, cause } = error as Error;
  return /UNIQUE constraint failed/.test(`${message} ${(cause as Error | undefined)?.message}`);
}

/** What the directory has on a user; refuses `user_not_found`. */
export async function readUser(
  deps: Deps,
  caller: Caller,
  id: string,
  wanted: WantedAttributes,
): Promise<ShownUser> {
  const { userId, self, bySystem } = await resolveTarget(deps, caller, id);
  if (userId === SYSTEM) return { user: null, whole: true };
  return { user: await requireDirectoryUser(deps, { userId }, wanted), whole: bySystem || self !== null };
}

/** The user a secret key names by username or number; refuses `user_not_found`. */
export async function readUserBy(
  deps: Pick<Deps, 'db'>,
  name: Exclude<DirectoryName, { userId: string }>,
  wanted: WantedAttributes,
): Promise<DirectoryUser> {
  return requireDirectoryUser(deps, name, wanted);
}

async function requireDirectoryUser(
  { db }: Pick<Deps, 'db'>,
  name: DirectoryName,
  wanted: WantedAttributes,
): Promise<DirectoryUser> {
  const user = await findDirectoryUser(db, name, wanted);
  if (!user) throw new AppError('user_not_found');
  return user;
}

/**
 * One page of all users and after whom the next begins; or the users these locators are reserved for, and none for those
 * that users merely say of themselves.
 */
export async function listUsers(
  { db }: Pick<Deps, 'db'>,
  query: {
    locators: readonly LocatorName[] | undefined;
    afterId: number;
    limit: number;
    wanted: WantedAttributes;
  },
): Promise<{ users: DirectoryUser[]; next: number | null }> {
  const { locators, afterId, wanted } = query;
  if (locators) return { users: await findUsersByLocators(db, locators, wanted), next: null };
  const limit = wanted === null ? query.limit : Math.min(query.limit, MOST_PROFILES);
  const found = await findUsersAfter(db, afterId, wanted, limit + 1);
  const users = found.slice(0, limit);
  return { users, next: found.length > limit ? (users.at(-1)?.id ?? null) : null };
}

/** Changes what a user's record shows; `null` and absent members stay, an empty text clears. */
export async function patchUser(deps: Deps, userId: string, patch: UserPatch): Promise<UserRecord> {
  const record = await targetUser(deps, userId);
  const given = Object.entries(patch).filter(([, value]) => value != null);
  if (given.length === 0) return record;
  const change = Object.fromEntries(given.map(([name, value]) => [name, value === '' ? null : value]));
  return updateUser(deps, record.uid, change);
}

/** Gives a user another name to be shown by. */
export async function rename(deps: Deps, caller: Caller, id: string, screenName: string): Promise<void> {
  const { userId, self } = await resolveOwn(deps, caller, id);
  const { uid } = self ?? (await requireUid(deps, userId));
  await updateUser(deps, uid, { displayName: screenName }, self ? writtenByOwner(self) : 'system');
}

/** What users are called; refuses `user_not_found` where there is not every one. */
export async function readNames(
  deps: Deps,
  caller: Caller,
  ids: readonly string[],
): Promise<{ userId: string; displayName: string | null }[]> {
  const targets = ids.map(await makeResolver(deps, caller));
  if (targets.every(({ self }) => self !== null)) {
    return targets.map(({ self, userId }) => ({ userId, displayName: self?.displayName ?? null }));
  }
  return readScreenNames(
    deps,
    targets.map(({ userId }) => userId),
  );
}

/** Erases a user; refuses the built-in ones. */
export async function deleteUser(deps: Deps, id: string): Promise<void> {
  await eraseUser(deps, (await requireUid(deps, managedId(id))).uid);
}
