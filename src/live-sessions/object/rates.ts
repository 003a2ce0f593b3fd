/** How often a member may make calls that all the others hear of, or that search the storage: pure counting. */
import { ok, type Result, refuse } from '../../result.ts';
import { MINUTE_MS } from '../../times.ts';
import { OPENINGS_A_MINUTE } from '../protocol.ts';

/** Calls a minute and member, by kind. */
const CALLS_A_MINUTE = { rules: 60, bars: 60, files: 240, openings: OPENINGS_A_MINUTE } as const;

export type RatedCall = keyof typeof CALLS_A_MINUTE;

export type Rates = ReturnType<typeof openRates>;

/**
 * The counters of one live session. They live in memory: it lasts for as long as calls come in, and who is idle for so
 * long that it goes has earned a new minute.
 */
export function openRates() {
  let minuteAt = 0;
  let calls = new Map<string, number>();

  return {
    /** Counts a call of this subject. */
    charge(kind: RatedCall, subject: string, now: number): Result<undefined, 'too_many_requests'> {
      if (now - minuteAt >= MINUTE_MS || now < minuteAt) {
        minuteAt = now;
        calls = new Map();
      }
      const key = `${kind} ${subject}`;
      const made = (calls.get(key) ?? 0) + 1;
      calls.set(key, made);
      if (made <= CALLS_A_MINUTE[kind]) return ok(undefined);
      return refuse('too_many_requests', minuteAt + MINUTE_MS - now);
    },
  };
}
