import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import { hashName } from '../retired-names/service.ts';
import { foldUsername } from '../text.ts';
import type { UserRecord } from '../users/contract.ts';
import { type Publishing, publish } from '../users/copy-service.ts';
import { toUser, type User } from '../users/record.ts';
import {
  addPassword,
  type CredentialsRow,
  changeAccountKey,
  changePassword,
  findByUsername,
  findProvingByUid,
  insertUserWithPassword,
  type NewHashes,
  putPasswordHash,
  type Resting,
  type WithCredentials,
} from './credential-store.ts';

/** A user and the hashes of their secrets. */
export interface ProvingUser {
  user: User;
  credentials: CredentialsRow | null;
}

const toProving = (found: WithCredentials | null): ProvingUser | null =>
  found && { user: toUser(found.user), credentials: found.credentials };

/** By username, in any letter case. */
export async function findUserByUsername(
  deps: Pick<Deps, 'db'>,
  username: string,
): Promise<ProvingUser | null> {
  return toProving(await findByUsername(deps.db, username));
}

export async function findProvingUser(deps: Pick<Deps, 'db'>, uid: number): Promise<ProvingUser | null> {
  return toProving(await findProvingByUid(deps.db, uid));
}

/** Makes a user with a username and a password; refuses `username_taken`. Their `userId` is generated. */
export async function registerUser(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  { name, username, passwordHash }: { name: string; username: string; passwordHash: string },
): Promise<User> {
  const hashes = await hashName(deps, ['username', foldUsername(username)]);
  const user = { userId: uuid(), entry: 'closed', displayName: name, profileHandle: null, username } as const;
  const made = await insertUserWithPassword(deps.db, user, passwordHash, hashes, deps.now());
  if (!made) throw new AppError('username_taken');
  return toUser(made);
}

/**
 * Sets a new password for a user who proved the earlier one. Every device session that rests on the earlier one ends,
 * except `keptSid`. The earlier account key goes too, because a thief may have set it. Null where the hash was changed in
 * between: then the proof is worth nothing.
 */
export async function replacePassword(
  deps: Publishing & Pick<Deps, 'audit'>,
  uid: number,
  resting: Resting,
  next: NewHashes,
  keptSid: string | null,
): Promise<UserRecord | null> {
  const changed = await changePassword(deps.db, uid, resting, next, keptSid, deps.now());
  if (!changed) return null;
  // Before the copy is brought, because the change stands even if that fails.
  deps.audit(keptSid === null ? 'password_reset' : 'password_changed', { uid, sid: keptSid });
  return publish(deps, changed);
}

/** The first password of a user who has none; refuses `password_exists` and `username_taken`. */
export async function givePassword(
  deps: Publishing & Pick<Deps, 'config' | 'audit'>,
  uid: number,
  given: { username: string; passwordHash: string },
): Promise<UserRecord> {
  const hashes = await hashName(deps, ['username', foldUsername(given.username)]);
  const changed = await addPassword(deps.db, uid, given, hashes, deps.now());
  if (changed) {
    deps.audit('password_set', { uid });
    return publish(deps, changed);
  }
  const now = await findProvingByUid(deps.db, uid);
  if (!now?.user) throw new AppError('user_not_found');
  throw new AppError(now?.credentials ? 'password_exists' : 'username_taken');
}

/** Sets another account key, or none (null). Returns null where the password that set it was replaced. */
export async function replaceAccountKey(
  deps: Publishing & Pick<Deps, 'audit'>,
  uid: number,
  passwordHash: string,
  accountKeyHash: string | null,
  sid: string,
): Promise<UserRecord | null> {
  const changed = await changeAccountKey(deps.db, uid, { passwordHash }, accountKeyHash, deps.now());
  if (!changed) return null;
  deps.audit(accountKeyHash === null ? 'account_key_removed' : 'account_key_set', { uid, sid });
  return publish(deps, changed);
}

/** Stores another hash of the same password. False where the earlier hash was replaced. */
export async function storePasswordHash(
  deps: Pick<Deps, 'db' | 'now'>,
  uid: number,
  resting: Resting,
  passwordHash: string,
): Promise<boolean> {
  return putPasswordHash(deps.db, uid, resting, passwordHash, deps.now());
}
