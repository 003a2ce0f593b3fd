import { readSession } from '../access/session-service.ts';
import { requirePassword } from '../accounts/proof-service.ts';
import type { Deps } from '../deps.ts';
import { signedInAt } from '../device-sessions/rules.ts';
import { unwrap } from '../errors.ts';
import type { Claims } from '../tokens/claims.ts';
import type { LocatorRow } from '../users/store.ts';
import type { WalletChange } from '../wallets/contract.ts';
import { proveWallet } from '../wallets/service.ts';
import { mayChangeWallets } from './rules.ts';
import { attachWallet, detachWallet } from './service.ts';

/** Attaches a wallet that the caller proves now. Needs their password too, or a new device session: see `mayChangeWallets`. */
export async function addWallet(
  deps: Deps,
  caller: Claims<'access'>,
  change: WalletChange,
  network: string,
): Promise<LocatorRow> {
  await requireVouched(deps, caller, change, network);
  const wallet = await proveWallet(deps, change);
  const locator = await attachWallet(deps, caller.uid, wallet);
  deps.audit('wallet_attached', { uid: caller.uid, sid: caller.sid });
  return locator;
}

/** Removes a wallet of the caller, on the same conditions. */
export async function removeWallet(
  deps: Deps,
  caller: Claims<'access'>,
  change: WalletChange,
  network: string,
): Promise<void> {
  await requireVouched(deps, caller, change, network);
  await detachWallet(deps, caller.uid, await proveWallet(deps, change));
  deps.audit('wallet_removed', { uid: caller.uid, sid: caller.sid });
}

async function requireVouched(
  deps: Deps,
  claims: Claims<'access'>,
  { password }: WalletChange,
  network: string,
): Promise<void> {
  const { session, record } = await readSession(deps, claims);
  if (password == null)
    unwrap(mayChangeWallets({ ...session, signedInAt: signedInAt(session, claims) }, record, deps.now()));
  else await requirePassword(deps, record, password, network, 'wrong_old_password');
}
