import type { SQL } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere } from '../errors.ts';
import { uuid } from '../ids.ts';
import { logFault } from '../log.ts';
import type { Photo, UserRecord, Wallet } from './contract.ts';
import { hashName } from './name-service.ts';
import { keyOfWallet } from './rules.ts';
import {
  type Along,
  changeUser,
  deletePhoto,
  findLagging,
  findUserByLocator,
  findUserByUid,
  findUserByUserId,
  insertPhoto,
  insertUser,
  insertUserWithLocator,
  type LocatorRow,
  markCopied,
  markSeen,
  ofCredentialVersion,
  type UserChange,
  type WholeUser,
} from './store.ts';

/** A user as D1 has it. */
export interface User {
  record: UserRecord;
  /** Whether the user's object is not known to hold this version yet. */
  copyLags: boolean;
}

export interface UserNames {
  displayName?: string;
  profileHandle?: string;
}

/**
 * Hands a record to the user's object, which keeps a copy; supplied by `deps`, because the object belongs to a
 * part above this one. What the record makes worthless ends there. `everywhere` false: taken, but an end that follows
 * from it has not reached every live session.
 */
export type TakeCopy = (record: UserRecord) => Promise<{ everywhere: boolean }>;

/** How many records a change of a role brings to their objects before it answers; the cron trigger does the rest. */
export const COPIES_AT_ONCE = 200;

const SEEN_EVERY_MS = 10 * 60_000;

export { MOST_PHOTOS } from './store.ts';
export type { LocatorRow };

export async function findUser(deps: Pick<Deps, 'db'>, userId: string): Promise<User | null> {
  const found = await findUserByUserId(deps.db, userId.normalize('NFC'));
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
 * The user owning this wallet, made where nobody did: their `userId` is generated, and naming it opens nothing. To be
 * called for a wallet that was proven.
 */
export async function findOrMakeOwner(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  { address, chainId }: Wallet,
): Promise<User> {
  const locator = keyOfWallet({ address, chainId });
  const found = await findUserByLocator(deps.db, locator);
  if (found) return toUser(found);
  const user = { userId: uuid(), entry: 'closed', displayName: null, profileHandle: null } as const;
  const proven = { ...locator, userLocatorId: uuid(), verificationStatus: 'Verified' } as const;
  const hashes = await hashName(deps, ['wallet', address]);
  const owner = await insertUserWithLocator(deps.db, user, proven, hashes, deps.now());
  // Refused by a ban, or of a user who is on their way out.
  if (!owner) throw new AppError('sign_in_refused');
  return toUser(owner);
}

/**
 * The user with these names: written only where they differ, the others left alone. The copy follows with the
 * sign-in that asked. Null where the user's credentials changed since they were read: the sign-in begins anew.
 */
export async function renameUser(
  deps: Pick<Deps, 'db' | 'now'>,
  user: User,
  names: UserNames,
): Promise<User | null> {
  const { record } = user;
  const given = Object.entries(names) as [keyof UserNames, string][];
  const differing = given.filter(([name, value]) => record[name] !== value);
  if (differing.length === 0) return user;
  const { uid, credentialVersion } = record;
  const onlyWhere = ofCredentialVersion(credentialVersion);
  const change = { ...Object.fromEntries(differing), onlyWhere };
  const changed = await changeUser(deps.db, uid, change, deps.now());
  return changed && toUser(changed);
}

export type Publishing = Pick<Deps, 'db' | 'now' | 'takeCopy' | 'defer'>;

/** Changes members of the record; answered only once the user's object holds the new copy. */
export async function updateUser(deps: Publishing, uid: number, change: UserChange): Promise<UserRecord> {
  return publish(deps, await changeUser(deps.db, uid, change, deps.now()));
}

/**
 * Gives a user a picture, with what becomes of its upload in the same transaction; none where that upload is no more
 * (`isThere`). All the pictures from then on.
 */
export async function addPhoto(
  deps: Publishing,
  uid: number,
  photo: Photo,
  keeping: Along,
  isThere: SQL,
): Promise<Photo[]> {
  const along: Along = db => [...insertPhoto({ ...photo, uid }, isThere)(db), ...keeping(db)];
  return (await publish(deps, await changeUser(deps.db, uid, {}, deps.now(), along))).photos;
}

/** Takes a picture from a user, with what becomes of its upload. */
export async function removePhoto(
  deps: Publishing,
  uid: number,
  id: string,
  discarding: Along,
): Promise<void> {
  const along: Along = db => [...deletePhoto(uid, id)(db), ...discarding(db)];
  await publish(deps, await changeUser(deps.db, uid, {}, deps.now(), along));
}

/** Closes the entry for ever: from now on naming the `userId` is not enough, and what was opened so ends. */
export async function closeUser(deps: Publishing, { record }: User): Promise<UserRecord> {
  if (record.entry === 'closed') {
    // Also where it was closed before: what that ended may not have reached every live session yet.
    requireEverywhere(await deps.takeCopy(record));
    return record;
  }
  return publish(deps, await changeUser(deps.db, record.uid, { closing: true }, deps.now()));
}

/** Notes that a user was there, for whom others may ask; at most once in ten minutes. */
export async function noteSeen(deps: Pick<Deps, 'db' | 'now'>, uid: number): Promise<void> {
  await markSeen(deps.db, uid, deps.now(), SEEN_EVERY_MS);
}

/** To be called once the user's object holds the copy. */
export async function noteCopied(deps: Pick<Deps, 'db'>, { uid, version }: UserRecord): Promise<void> {
  await markCopied(deps.db, uid, version);
}

/** Brings lagging copies to their objects: the cron trigger's part in keeping copies true. How many it brought. */
export async function repairCopies(deps: Publishing): Promise<number> {
  const copied = await Promise.allSettled(
    (await findLagging(deps.db, COPIES_AT_ONCE)).map(uid => copyAgain(deps, uid)),
  );
  for (const outcome of copied) if (outcome.status === 'rejected') logFault('copy not taken', outcome.reason);
  return copied.filter(outcome => outcome.status === 'fulfilled').length;
}

/** Brings the copies of these users; 503 where some of them will be brought by the cron trigger. */
export async function publishMany(deps: Publishing, uids: number[]): Promise<void> {
  const copied = await Promise.allSettled(uids.slice(0, COPIES_AT_ONCE).map(uid => copyAgain(deps, uid)));
  const missed = uids.length > COPIES_AT_ONCE || copied.some(outcome => outcome.status === 'rejected');
  if (missed) throw new AppError('copy_pending', { headers: { 'Retry-After': '60' } });
}

async function copyAgain(deps: Publishing, uid: number): Promise<void> {
  const found = await findUserByUid(deps.db, uid);
  if (!found) return;
  const { record } = toUser(found);
  await deps.takeCopy(record);
  await noteCopied(deps, record);
}

/** Brings a changed record to its user's object: the change is answered only once that holds it. */
export async function publish(deps: Publishing, changed: WholeUser | null): Promise<UserRecord> {
  if (!changed) throw new AppError('user_not_found');
  const { record } = toUser(changed);
  const taken = await deps.takeCopy(record).catch(error => {
    logFault('copy not taken', error);
    throw new AppError('copy_pending', { headers: { 'Retry-After': '60' } });
  });
  deps.defer(later => noteCopied(later, record));
  requireEverywhere(taken);
  return record;
}

export function toUser({ row, roles, wallets, photos }: WholeUser): User {
  const { id, copiedVersion, bannedAt, bannedUntil, erasedAt: _, lastSeenAt: __, ...members } = row;
  const ban = bannedAt === null ? null : { until: bannedUntil };
  return {
    record: {
      ...members,
      uid: id,
      ban,
      wallets,
      roles,
      photos: photos.map(({ uid: ___, ...photo }) => photo),
    },
    copyLags: copiedVersion < row.version,
  };
}
