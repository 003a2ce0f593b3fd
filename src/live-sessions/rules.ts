import type { UserRecord } from '../users/contract.ts';
import type { Visitor } from './contract.ts';

/** A user, as the live session takes them in. */
export function visitorOf(record: UserRecord): Visitor {
  const { uid, userId, displayName, wallets, version } = record;
  // Copies stored by an earlier release have no kin.
  const kin = (record.kin ?? []).map(String);
  const name = displayName ?? userId;
  return { subject: String(uid), id: userId, name, wallets, kin, version, guestOf: null };
}

/** A guest, as the live session takes them in; `network` is a keyed hash, `makers` are those who made their token. */
export function guestOf(id: string, network: string, makers: string[]): Visitor {
  const nothing = { wallets: [], version: 0 };
  return { ...nothing, kin: makers, subject: id, id, name: 'Guest', guestOf: network };
}

/** Whole seconds until an instant, as the wire tells them. */
export function secondsLeft(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000));
}
