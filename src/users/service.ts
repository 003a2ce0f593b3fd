import type { Deps } from '../deps.ts';
import type { UserRecord } from './contract.ts';
import { findUserByUserId, insertUser, markCopied, type UserRow, updateUser } from './store.ts';

/** A user as D1 has it: the record that is copied to its object, and how it may be entered. */
export interface User {
  record: UserRecord;
  entry: UserRow['entry'];
  /** Whether the object is not known to hold this version yet. */
  copyLags: boolean;
}

export interface UserNames {
  displayName?: string;
  profileHandle?: string;
}

export async function findUser(deps: Pick<Deps, 'db'>, userId: string): Promise<User | null> {
  const row = await findUserByUserId(deps.db, userId);
  return row && toUser(row);
}

/**
 * Makes the user with this entry; null where somebody made it first.
 */
export async function createUser(
  deps: Pick<Deps, 'db' | 'now'>,
  userId: string,
  entry: UserRow['entry'],
  names: UserNames,
): Promise<User | null> {
  const { displayName = null, profileHandle = null } = names;
  const row = await insertUser(deps.db, { userId, entry, displayName, profileHandle }, deps.now());
  return row && toUser(row);
}

/** The user with these names: written only where they differ. */
export async function renameUser(
  deps: Pick<Deps, 'db' | 'now'>,
  user: User,
  names: UserNames,
): Promise<User> {
  const { record } = user;
  const { displayName = record.displayName, profileHandle = record.profileHandle } = names;
  if (displayName === record.displayName && profileHandle === record.profileHandle) return user;
  const row = await updateUser(deps.db, record.uid, { displayName, profileHandle }, deps.now());
  return row ? toUser(row) : user;
}

/** To be called once the user's object holds the copy. */
export async function noteCopied(deps: Pick<Deps, 'db'>, { uid, version }: UserRecord): Promise<void> {
  await markCopied(deps.db, uid, version);
}

function toUser({ id, entry, copiedVersion, ...row }: UserRow): User {
  const record = { ...row, uid: id, wallets: [], roles: [] };
  return { record, entry, copyLags: copiedVersion < row.version };
}
