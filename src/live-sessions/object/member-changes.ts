/** Members may join and leave so fast that naming each of them to all the others would flood the session. */
import { SECOND_MS } from '../../times.ts';

const NAMED_A_SECOND = 20;

/** How many members came or went in the current second. Times in epoch ms. */
export interface MemberChanges {
  secondAt: number;
  changes: number;
}

export const noChanges: MemberChanges = { secondAt: 0, changes: 0 };

/** Counts a change of the members; `tooMany` from the 21st in a second on. */
export function countChange(
  counted: MemberChanges,
  now: number,
): { counted: MemberChanges; tooMany: boolean } {
  const sameSecond = now - counted.secondAt < SECOND_MS;
  const next = sameSecond ? { ...counted, changes: counted.changes + 1 } : { secondAt: now, changes: 1 };
  return { counted: next, tooMany: next.changes > NAMED_A_SECOND };
}

/** How long until the second is over and the count may be told once for all. */
export function settlesInMs(counted: MemberChanges, now: number): number {
  return Math.max(0, counted.secondAt + SECOND_MS - now);
}
