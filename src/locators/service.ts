import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import { hashName } from '../retired-names/service.ts';
import { changeUser, type WithChange } from '../users/change-store.ts';
import type { WrittenBy } from '../users/contract.ts';
import { type Publishing, publish } from '../users/copy-service.ts';
import { locatorOfWallet, type Wallet } from '../users/rules.ts';
import { findReserved, type LocatorKey, type LocatorRow } from '../users/store.ts';
import { hashWallet } from '../users/wallet-service.ts';
import {
  deleteLocator,
  findFacts,
  insertClaim,
  isReservedFor,
  type LocatorFacts,
  type Reservation,
  releaseWallet,
  reserve,
  reserveWallet,
  setVerified,
  type VerificationStatus,
} from './store.ts';

/** An e-mail address or a telephone number in its normal form. */
export interface PlainLocator {
  type: 'email' | 'tele';
  value: string;
}

/**
 * Adds a locator that a user claims. It is `Unverified`, is not found, and others may claim the same. A locator they have
 * already stays as it is. Refuses `too_many_locators`.
 */
export async function claimLocator(
  deps: Pick<Deps, 'db' | 'now'>,
  uid: number,
  { type, value }: PlainLocator,
  writtenBy: WrittenBy = 'proven',
): Promise<LocatorRow> {
  const verificationStatus = 'Unverified' as const;
  const locator = { type, value, chainId: 0, userLocatorId: uuid(), verificationStatus };
  const facts = await insertClaim(deps.db, { uid, locator, now: deps.now() }, writtenBy);
  if (!facts.own && writtenBy === 'bare' && !facts.isOpen) throw new AppError('session_ended');
  return facts.own ?? refuseBy(facts, uid);
}

/**
 * Sets a locator of a user by a secret key. From now on it belongs to that user alone and is found. A claimed locator
 * becomes this one, under the same id. A `verificationStatus` of null leaves the status of one that was set before.
 * `Verified` closes the user's entry: somebody stands behind it now. Refuses `duplicate_entity` where another user has it,
 * `name_retired`, and `too_many_locators`.
 */
export async function setLocator(
  deps: Publishing & Pick<Deps, 'config'>,
  uid: number,
  { type, value, verificationStatus }: PlainLocator & { verificationStatus: VerificationStatus | null },
): Promise<LocatorRow> {
  const reservation = await reservationOf(deps, uid, { type, value, chainId: 0 }, verificationStatus);
  if (verificationStatus === 'Verified') return closeBy(deps, reservation, setVerified(reservation));
  const facts = await reserve(deps.db, reservation, verificationStatus);
  return facts.own?.reserved ? facts.own : refuseBy(facts, uid);
}

/**
 * Attaches a proven wallet to a user, which closes the user. A wallet they have already stays as it is, and the record goes
 * to their object again, in case the object missed it. Refuses as `setLocator` does.
 */
export async function attachWallet(
  deps: Publishing & Pick<Deps, 'config'>,
  uid: number,
  wallet: Wallet,
): Promise<LocatorRow> {
  const reservation = await reservationOf(deps, uid, locatorOfWallet(wallet), 'Verified');
  return closeBy(deps, reservation, reserveWallet(reservation, (await hashWallet(deps, wallet)).owner));
}

/** Gives a user a locator that proves somebody, and closes their entry where it is theirs by then. */
async function closeBy(
  deps: Publishing,
  reservation: Reservation,
  reserving: WithChange,
): Promise<LocatorRow> {
  const { uid, locator, now } = reservation;
  const change = { closing: true, onlyWhere: isReservedFor(uid, locator) } as const;
  const changed = await changeUser(deps.db, uid, change, now, reserving);
  const facts = await findFacts(deps.db, reservation);
  if (!changed || !facts.own) return refuseBy(facts, uid);
  await publish(deps, changed);
  return facts.own;
}

/** Removes a wallet of a user. Refuses `locator_not_found` where it is not theirs. */
export async function detachWallet(
  deps: Publishing & Pick<Deps, 'config'>,
  uid: number,
  wallet: Wallet,
): Promise<void> {
  const locator = await findReserved(deps.db, locatorOfWallet(wallet));
  if (locator?.uid !== uid) throw new AppError('locator_not_found');
  await release(deps, locator);
}

/**
 * Removes a locator of a user by its id. Refuses `locator_not_found`. A wallet is removed only with `evenWallets`, otherwise
 * `fresh_proof_required`, because its owner signs in with it.
 */
export async function removeLocator(
  deps: Publishing & Pick<Deps, 'config'>,
  uid: number,
  userLocatorId: string,
  { evenWallets }: { evenWallets: boolean },
): Promise<LocatorRow> {
  const locator = await deleteLocator(deps.db, uid, userLocatorId);
  if (!locator) throw new AppError('locator_not_found');
  if (locator.type !== 'wallet') return locator;
  if (!evenWallets) throw new AppError('fresh_proof_required');
  await release(deps, locator);
  return locator;
}

async function release(deps: Publishing & Pick<Deps, 'config'>, wallet: LocatorRow): Promise<void> {
  const { owner } = await hashWallet(deps, { address: wallet.value, chainId: wallet.chainId });
  const releasing = releaseWallet(wallet, owner);
  await publish(deps, await changeUser(deps.db, wallet.uid, {}, deps.now(), releasing));
}

async function reservationOf(
  deps: Pick<Deps, 'config' | 'now'>,
  uid: number,
  key: LocatorKey,
  status: VerificationStatus | null,
): Promise<Reservation> {
  const verificationStatus = status ?? 'StatusNotProvided';
  const hashes = await hashName(deps, [key.type, key.value]);
  return { uid, locator: { ...key, userLocatorId: uuid(), verificationStatus }, hashes, now: deps.now() };
}

/** Why a user did not get a locator. */
function refuseBy({ stands, ownerUid, refused }: LocatorFacts, uid: number): never {
  if (!stands) throw new AppError('user_not_found');
  if (ownerUid !== null && ownerUid !== uid) throw new AppError('duplicate_entity');
  throw new AppError(refused ? 'name_retired' : 'too_many_locators');
}
