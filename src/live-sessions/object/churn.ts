/** When joins and leaves come so fast that naming each to everybody would drown the session. */

const SECOND_MS = 1_000;
const NAMED_A_SECOND = 20;

export interface Churn {
  secondAt: number;
  changes: number;
}

export const calm: Churn = { secondAt: 0, changes: 0 };

/** Counts a change of the members; `drowning` from the 21st in a second on. */
export function countChange(churn: Churn, now: number): { churn: Churn; drowning: boolean } {
  const sameSecond = now - churn.secondAt < SECOND_MS;
  const counted = sameSecond ? { ...churn, changes: churn.changes + 1 } : { secondAt: now, changes: 1 };
  return { churn: counted, drowning: counted.changes > NAMED_A_SECOND };
}

/** How long until the second is over and the count may be told once for all. */
export function settlesInMs(churn: Churn, now: number): number {
  return Math.max(0, churn.secondAt + SECOND_MS - now);
}
