import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere } from '../errors.ts';
import { uuid } from '../ids.ts';
import { hashName } from '../retired-names/service.ts';
import { nfc } from '../text.ts';
import {
  changeUser,
  insertUser,
  insertUserWithWallet,
  markSeen,
  ofCredentialVersion,
  type UserChange,
} from './change-store.ts';
import type { UserRecord, WrittenBy } from './contract.ts';
import { type Publishing, publish } from './copy-service.ts';
import { toUser, type User } from './record.ts';
import { locatorOfWallet, type Wallet } from './rules.ts';
import { findUserByLocator, findUserByUid, findUserByUserId } from './store.ts';
import { hashWallet } from './wallet-service.ts';

export interface UserNames {
  displayName?: string;
  profileHandle?: string;
}

const SEEN_EVERY_MS = 10 * 60_000;

export async function findUser(deps: Pick<Deps, 'db'>, userId: string): Promise<User | null> {
  const found = await findUserByUserId(deps.db, nfc(userId));
  return found && toUser(found);
}

/** The user behind a number that only we give out. */
export async function findUserOf(deps: Pick<Deps, 'db'>, uid: number): Promise<User | null> {
  const found = await findUserByUid(deps.db, uid);
  return found && toUser(found);
}

/** The user of this `userId`; refuses `user_not_found`. */
export async function requireUser(deps: Pick<Deps, 'db'>, userId: string): Promise<User> {
  const user = await findUser(deps, userId);
  if (!user) throw new AppError('user_not_found');
  return user;
}

/** Makes the user with this entry; null where somebody made it first. Refuses `name_retired`. */
export async function createUser(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  userId: string,
  entry: UserRecord['entry'],
  { displayName = null, profileHandle = null }: Partial<Record<keyof UserNames, string | null>> = {},
): Promise<User | null> {
  const hashes = await hashName(deps, ['userId', userId]);
  const names = { userId, entry, displayName, profileHandle };
  const { user, retired } = await insertUser(deps.db, names, hashes, deps.now());
  if (retired) throw new AppError('name_retired');
  return user && toUser(user);
}

/**
 * The owner of this wallet. Where there is none, a user is made with a generated `userId`, which alone signs no one in. To
 * be called for a wallet that was proven.
 */
export async function findOrMakeOwner(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  wallet: Wallet,
  admit: (make: () => Promise<User>) => Promise<User> = make => make(),
): Promise<User> {
  const locator = locatorOfWallet(wallet);
  const found = await findUserByLocator(deps.db, locator);
  if (found) return toUser(found);
  return admit(async () => {
    const user = { userId: uuid(), entry: 'closed', displayName: null, profileHandle: null } as const;
    const proven = { ...locator, userLocatorId: uuid(), verificationStatus: 'Verified' } as const;
    const hashes = await hashWallet(deps, wallet);
    const owner = await insertUserWithWallet(deps.db, user, proven, hashes, deps.now());
    // Refused by a ban, or of a user who is being erased.
    if (!owner) throw new AppError('sign_in_refused');
    return toUser(owner);
  });
}

/**
 * The user with these names. Only names that differ are written. The copy follows with the sign-in that asked. Null where
 * the user's credentials changed since they were read: then the sign-in begins again.
 */
export async function renameUser(
  deps: Pick<Deps, 'db' | 'now'>,
  user: User,
  names: UserNames,
  writtenBy: WrittenBy,
): Promise<User | null> {
  const { record } = user;
  const given = Object.entries(names) as [keyof UserNames, string][];
  const differing = given.filter(([name, value]) => record[name] !== value);
  if (differing.length === 0) return user;
  const { uid, credentialVersion } = record;
  const onlyWhere = ofCredentialVersion(credentialVersion);
  const change = { ...Object.fromEntries(differing), onlyWhere, writtenBy };
  const changed = await changeUser(deps.db, uid, change, deps.now());
  return changed && toUser(changed);
}

/**
 * Changes members of the record; answered only once the user's object holds the new copy. Refuses `session_ended` where
 * they are written on the word of a bare `userId`, and the user has closed meanwhile.
 */
export async function updateUser(
  deps: Publishing,
  uid: number,
  change: UserChange,
  writtenBy: WrittenBy = 'system',
): Promise<UserRecord> {
  const changed = await changeUser(deps.db, uid, { ...change, writtenBy }, deps.now());
  if (!changed && writtenBy === 'bare') throw new AppError('session_ended');
  return publish(deps, changed);
}

/** Closes the user. From now on the `userId` alone is not enough, and device sessions that it opened end. */
export async function closeUser(deps: Publishing, { record }: User): Promise<UserRecord> {
  if (record.entry === 'closed') {
    // Also where it was closed before: what that ended may not have reached every live session yet.
    requireEverywhere(await deps.deviceSessions(record.uid).takeCopy(record));
    return record;
  }
  return publish(deps, await changeUser(deps.db, record.uid, { closing: true }, deps.now()));
}

/** Notes that a user was there, for whom others may ask; at most once in ten minutes. */
export async function noteSeen(deps: Pick<Deps, 'db' | 'now'>, uid: number): Promise<void> {
  await markSeen(deps.db, uid, deps.now(), SEEN_EVERY_MS);
}
