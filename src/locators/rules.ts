import type { DeviceSession } from '../device-sessions/contract.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { UserRecord } from '../users/contract.ts';

/** How old a sign-in may be to allow a change of wallets. */
const FRESH_MS = 5 * 60_000;

/**
 * Whether this device session may attach and remove wallets without a password. A token alone is not enough, or a stolen
 * one would become ownership. The session must be new, and opened by an authToken or an issued token or, of a user without
 * a password (no `username`), by a wallet that they still have (`wallets`).
 */
export function mayChangeWallets(
  { proof, wallet, signedInAt }: Pick<DeviceSession, 'proof' | 'wallet'> & { signedInAt: number },
  { wallets, username }: Pick<UserRecord, 'wallets' | 'username'>,
  now: number,
): Result<undefined, 'fresh_proof_required'> {
  const proven = proof === 'wallet' && wallet !== undefined && wallets.includes(wallet);
  const byWallet = proven && username === null;
  const vouched = byWallet || proof === 'authToken' || proof === 'token';
  return vouched && now - signedInAt <= FRESH_MS ? ok(undefined) : refuse('fresh_proof_required');
}
