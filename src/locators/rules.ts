import type { DeviceSession } from '../device-sessions/contract.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { UserRecord } from '../users/contract.ts';

/** How long ago a sign-in may be to vouch for a change of wallets. */
const FRESH_MS = 5 * 60_000;

/**
 * Whether the bearer of this device session may attach and remove wallets without their password: a token alone does
 * not do, or a stolen one would become ownership. An authToken or an application's own server vouched for it just now
 * or, of a user who has no password (no `username`), a wallet that is still theirs (`wallets`).
 */
export function mayChangeWallets(
  { proof, wallet, createdAt }: Pick<DeviceSession, 'proof' | 'wallet' | 'createdAt'>,
  { wallets, username }: Pick<UserRecord, 'wallets' | 'username'>,
  now: number,
): Result<undefined, 'fresh_proof_required'> {
  const proven = proof === 'wallet' && wallet !== undefined && wallets.includes(wallet);
  const byWallet = proven && username === null;
  const vouched = byWallet || proof === 'authToken' || proof === 'token';
  return vouched && now - createdAt <= FRESH_MS ? ok(undefined) : refuse('fresh_proof_required');
}
