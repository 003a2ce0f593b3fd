import type { UserRecord } from '../users/contract.ts';
import { addressOfKey } from '../users/rules.ts';
import type { Visitor } from './contract.ts';

/** A user, as the live session takes them in. */
export function visitorOf(record: UserRecord): Visitor {
  const { uid, userId, displayName } = record;
  const wallets = [...new Set(record.wallets.map(addressOfKey))];
  return { subject: String(uid), id: userId, name: displayName ?? userId, wallets, guestOf: null };
}

/** Whole seconds until an instant, as the wire tells them. */
export function secondsLeft(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}
