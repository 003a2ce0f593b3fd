import type { DeviceSessionEnd } from '../events/types.ts';
import type { UserRecord } from '../users/contract.ts';
import { addressOfKey } from '../users/rules.ts';
import type { DeviceSession } from './contract.ts';

export interface CopyVersions {
  version: number;
  credentialVersion: number;
}

/** A record as its reader found it in D1: its versions, and what device sessions rest on. */
export type Offered = CopyVersions & Pick<UserRecord, 'entry' | 'keptSid' | 'wallets'>;

/** A device session that ends, and why. */
export interface Over {
  id: string;
  cause: DeviceSessionEnd;
}

/** The `credentialVersion` of a user whose credentials never changed. */
const FIRST_CREDENTIALS = 1;

/** Whether a record brings the news of other credentials, or of an entry that has closed: every authToken ends with it. */
export function raisesEpoch(
  held: Pick<UserRecord, 'credentialVersion'> | null,
  offered: Pick<UserRecord, 'credentialVersion'>,
): boolean {
  return offered.credentialVersion > (held?.credentialVersion ?? FIRST_CREDENTIALS);
}

/** Whether the wallet that was a proof is still among the user's. */
function holdsWallet(wallets: readonly string[], wallet: string): boolean {
  // Proofs stored by earlier releases are addresses, whatever the chain.
  return wallets.some(key => key === wallet || addressOfKey(key) === wallet);
}

/** Whether the wallets of a user, or those who owned them before, are others than the live sessions know. */
export function walletsDiffer(
  held: Pick<UserRecord, 'wallets'> & Partial<Pick<UserRecord, 'kin'>>,
  offered: Pick<UserRecord, 'wallets' | 'kin'>,
): boolean {
  const textOf = (items: readonly (string | number)[] = []) => [...items].sort().join();
  return textOf(held.wallets) !== textOf(offered.wallets) || textOf(held.kin) !== textOf(offered.kin);
}

/**
 * Which device sessions end with a new copy: once the entry is closed, those that a bare `userId` opened; with new
 * credentials, those that rest on earlier ones, except the one that gave the new; and those whose proof was a wallet
 * that is not the user's any more.
 */
export function endedByCopy(
  { entry, credentialVersion, keptSid, wallets }: Offered,
  sessions: readonly Pick<DeviceSession, 'id' | 'proof' | 'credentialVersion' | 'wallet'>[],
): Over[] {
  const causeOf = (session: (typeof sessions)[number]): DeviceSessionEnd | null => {
    if (entry === 'closed' && session.proof === 'userId') return 'closed';
    const { proof, wallet } = session;
    if (proof === 'wallet' && wallet !== undefined && !holdsWallet(wallets, wallet)) return 'wallet_removed';
    const outdated = session.credentialVersion < credentialVersion && session.id !== keptSid;
    return outdated ? 'password_changed' : null;
  };
  return sessions.flatMap(session => {
    const cause = causeOf(session);
    return cause === null ? [] : [{ id: session.id, cause }];
  });
}

/** An older copy never replaces a newer one. */
export function isOlder(offered: CopyVersions, held: CopyVersions): boolean {
  return offered.version < held.version || offered.credentialVersion < held.credentialVersion;
}
