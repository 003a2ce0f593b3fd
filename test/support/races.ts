import { call } from './client.ts';

const nothing = new Uint8Array();

/**
 * Lets the other side begin by nothing to many milliseconds: in half of the rounds by steps of microseconds, so
 * that every step of it is met, in the other half by whole requests, so that it also gets to its end.
 */
export async function headStart(round: number): Promise<void> {
  const steps = Math.floor(round / 2);
  if (round % 2) {
    for (let step = 0; step < (steps % 100) * 2; step += 1) await crypto.subtle.digest('SHA-256', nothing);
  } else {
    for (let step = 0; step < steps % 10; step += 1) await call('GET', '/health');
  }
}

/** A series of rounds in which the same two calls race each other. */
export interface Series {
  /** Makes the two calls together, one of them a little later than the other. */
  run<A, B>(first: () => Promise<A>, second: () => Promise<B>): Promise<{ first: A; second: B }>;
  /** Says which of the two calls took effect first in this round, as the test has seen it. */
  fell(firstOne: boolean): void;
  /** The ways the rounds fell in which each call began before the other was answered. */
  seen(): string[];
}

/**
 * A series that falls both ways. A call that loses a round gets a longer head start in the next, so that the rounds stay
 * near the point where the order tips, whichever call takes longer. `ways` names the two orders.
 */
export function series(race: string, ways: readonly [firstOne: string, secondOne: string]): Series {
  const counts = new Map<string, number>();
  /** How many of the shortest requests the second call waits for; where negative, the first. */
  let lead = 0;
  let [round, answered, overlapped] = [0, 0, true];

  async function side<T>(call: () => Promise<T>, requests: number): Promise<T> {
    if (requests > 0) await wait(requests, round);
    if (answered > 0) overlapped = false;
    const answer = await call();
    answered += 1;
    return answer;
  }

  return {
    async run(first, second) {
      round += 1;
      [answered, overlapped] = [0, true];
      const answers = await Promise.all([side(first, -lead), side(second, lead)]);
      return { first: answers[0], second: answers[1] };
    },
    fell(firstOne) {
      lead += firstOne ? -1 : 1;
      const way = ways[firstOne ? 0 : 1];
      if (overlapped) counts.set(way, (counts.get(way) ?? 0) + 1);
    },
    seen() {
      console.log(JSON.stringify({ race, ...Object.fromEntries(counts) }));
      return [...counts.keys()].sort();
    },
  };
}

/** Waits for so many whole requests, and then for some of the microseconds of one more. */
async function wait(requests: number, round: number): Promise<void> {
  for (let step = 1; step < requests; step += 1) await call('GET', '/health');
  for (let step = 0; step < (round * 37) % 100; step += 1) await crypto.subtle.digest('SHA-256', nothing);
}
