import type { Deps } from '../deps.ts';
import { hashName } from '../retired-names/service.ts';
import type { WalletHashes } from './change-store.ts';
import { type Wallet, walletKey } from './rules.ts';

/**
 * What a wallet is known by for good. A ban goes by the address alone: contracts of one person often share one on every
 * chain. Ownership goes by the wallet itself: two chains may hold the contracts of two people.
 */
export async function hashWallet(deps: Pick<Deps, 'config'>, wallet: Wallet): Promise<WalletHashes> {
  const [ban, owner] = await Promise.all([
    hashName(deps, ['wallet', wallet.address]),
    hashName(deps, ['walletOwner', walletKey(wallet)]),
  ]);
  return { ban, owner };
}
