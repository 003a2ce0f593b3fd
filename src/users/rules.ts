/** Which names a person may have, and when two of them are one: decisions over text alone. */
import { isClearId, lengthOf } from '../text.ts';

const LONGEST_USER_ID = 72;
const NOT_IN_A_USER_ID = /[,/\\?]/;

/**
 * Whether a text, already NFC, may be a `userId` (or a role id, or an attribute key): it must fit in a path, never pose as
 * `me`, a built-in user (`.system`) or a guest, and never look like another one.
 */
export function isUserId(text: string): boolean {
  const length = lengthOf(text);
  return (
    length >= 1 &&
    length <= LONGEST_USER_ID &&
    text !== 'me' &&
    !text.startsWith('.') &&
    !text.startsWith('guest:') &&
    !NOT_IN_A_USER_ID.test(text) &&
    isClearId(text)
  );
}

/** The proof behind what a user writes. Of an open user it is `bare`, because the `userId` alone lets anyone write as them. */
export const writtenByOwner = ({ entry }: { entry: 'open' | 'closed' }): 'bare' | 'proven' =>
  entry === 'open' ? 'bare' : 'proven';

/** The locator that stands for a wallet. */
export const locatorOfWallet = ({ address, chainId }: Wallet) =>
  ({ type: 'wallet', value: address, chainId: chainId ?? 0 }) as const;

/** One text for one wallet: its address where a key signs, `<chainId>:<address>` of a contract. */
export const walletKey = ({ address, chainId }: Wallet): string =>
  chainId ? `${chainId}:${address}` : address;

/** The lower-case address in a wallet key: contracts on several chains may share one. */
export const addressOfKey = (key: string): string => key.slice(key.indexOf(':') + 1);

/** A wallet: one address, and one wallet on every chain where a contract stands for it. */
export interface Wallet {
  /** Lower-case. */
  address: string;
  /** Of a contract wallet; null where a key signs. */
  chainId: number | null;
}

export function isBanned(ban: { until: number | null } | null, now: number): boolean {
  return ban !== null && (ban.until === null || now < ban.until);
}
