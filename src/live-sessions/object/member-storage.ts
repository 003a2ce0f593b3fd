import type { Person } from './lifetime-rules.ts';

/** A seat taken: who sits in it, and since which turn (`seat` rises with every admission). */
export interface Member extends Person {
  seat: number;
  mid: string;
  name: string;
  address: string | null;
  /** A guest's network; null: no guest. */
  guestOf: string | null;
}

export interface Bar {
  by: string;
  reason: string | null;
}

/** Kept for much longer than a join may be on its way (`JOIN_LIFE_MS`), so that a reconnect is told why, too. */
export const TOMBSTONE_MS = 10 * 60_000;

/** Stands where an erased user's `userId` stood: no user can be called so. */
export const NOBODY = '.erased';

export const MEMBER_COLUMNS = 'seat, mid, subject, id, name, address, guestOf';
