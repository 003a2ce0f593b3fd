import type { Caller } from '../access/caller.ts';
import { resolveOwn, type Target } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { requireUid } from '../users/lookup-service.ts';
import { writtenByOwner } from '../users/rules.ts';
import type { WalletChange } from '../wallets/contract.ts';
import { proveWallet } from '../wallets/service.ts';
import { type NewLocator, type StatedLocator, UNKNOWN_STATUS } from './contract.ts';
import { attachWallet, claimLocator, removeLocator, setLocator } from './service.ts';
import { findLocators, type UserLocator } from './store.ts';
import { addWallet, removeWallet } from './wallet-service.ts';

/**
 * Adds a locator to the user that `id` names. One that a secret key sets belongs to that user alone and is found. One that
 * a user adds is neither, and a wallet needs more than a token. `network` is where the call comes from.
 */
export async function addLocator(
  deps: Deps,
  caller: Caller,
  id: string,
  locator: NewLocator,
  network: string,
): Promise<UserLocator> {
  const target = await resolveOwn(deps, caller, id);
  if (locator.type !== 'wallet') {
    const uid = await uidOf(deps, target);
    return target.bySystem
      ? setLocator(deps, uid, { ...locator, verificationStatus: requireStatus(locator) })
      : claimLocator(deps, uid, locator, target.self ? writtenByOwner(target.self) : 'proven');
  }
  if (caller.kind === 'user') return addWallet(deps, caller.claims, locator, network);
  const uid = await uidOf(deps, target);
  const attached = await attachWallet(deps, uid, await proveWallet(deps, locator));
  deps.audit('wallet_attached', { uid, keyId: caller.keyId });
  return attached;
}

/** The locators of the user that `id` names, for that user or a secret key. */
export async function readLocators(deps: Deps, caller: Caller, id: string): Promise<UserLocator[]> {
  const { userId } = await resolveOwn(deps, caller, id);
  const found = await findLocators(deps.db, userId);
  if (!found) throw new AppError('user_not_found');
  return found;
}

/**
 * Removes a locator of the user that `id` names. Refuses `locator_not_found` for another user's too. To remove a wallet,
 * its user proves it again: see `removeOwnWallet`.
 */
export async function deleteLocator(
  deps: Deps,
  caller: Caller,
  id: string,
  userLocatorId: string,
): Promise<void> {
  const target = await resolveOwn(deps, caller, id);
  const uid = await uidOf(deps, target);
  const removed = await removeLocator(deps, uid, userLocatorId, { evenWallets: target.bySystem });
  if (removed.type !== 'wallet' || caller.kind !== 'system') return;
  deps.audit('wallet_removed', { uid, keyId: caller.keyId });
}

/** Removes the caller's wallet that the proof names. Their token alone is not enough. */
export async function removeOwnWallet(
  deps: Deps,
  caller: Caller,
  change: WalletChange,
  network: string,
): Promise<void> {
  if (caller.kind === 'system') throw new AppError('missing_context');
  await removeWallet(deps, caller.claims, change, network);
}

async function uidOf(deps: Deps, { self, userId }: Target): Promise<number> {
  return self?.uid ?? (await requireUid(deps, userId)).uid;
}

function requireStatus({ verificationStatus }: StatedLocator) {
  if (verificationStatus !== 'unknown') return verificationStatus;
  throw new AppError('invalid_input', { errors: [{ path: 'verificationStatus', message: UNKNOWN_STATUS }] });
}
