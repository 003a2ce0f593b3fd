import type { UserRecord } from './contract.ts';
import { walletKey } from './rules.ts';
import type { WholeUser } from './store.ts';

/** A user as D1 has it. */
export interface User {
  record: UserRecord;
  /** Whether the user's object is not known to hold this version yet. */
  copyLags: boolean;
}

export function toUser({ row, roles, wallets, kin, photos }: WholeUser): User {
  const { id, copiedVersion, bannedAt, bannedUntil, ...kept } = row;
  const { erasedAt: _, lastSeenAt: __, bareMembers: ____, ...members } = kept;
  const ban = bannedAt === null ? null : { until: bannedUntil };
  return {
    record: {
      ...members,
      uid: id,
      ban,
      wallets: wallets.map(({ value, chainId }) => walletKey({ address: value, chainId })),
      kin,
      roles,
      photos: photos.map(({ uid: ___, ...photo }) => photo),
    },
    copyLags: copiedVersion < row.version,
  };
}
