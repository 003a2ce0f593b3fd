import { MINUTE_MS } from '../times.ts';
import type { DeviceSession } from './contract.ts';
import { endOf } from './rules.ts';

/** How long it is remembered that a user was erased: longer than a sign-in takes that read them before. */
const ERASED_FOR_MS = 15 * MINUTE_MS;

/**
 * What the one alarm is for: the earliest end of a device session, the next delivery or, of an erased user who has none
 * left, the instant when the last trace goes.
 */
export function deadlinesOf(
  sessions: readonly Pick<DeviceSession, 'lineages'>[],
  nextDeliveryAt: number | null,
  erasedAt: number | null,
): Record<'end' | 'delivery' | 'forgotten', number | null> {
  return {
    end: sessions.length === 0 ? null : Math.min(...sessions.map(endOf)),
    delivery: nextDeliveryAt,
    forgotten: erasedAt === null || nextDeliveryAt !== null ? null : erasedAt + ERASED_FOR_MS,
  };
}

/** Whether nothing has to be remembered of an erased user any more: what was asked before they went is long refused. */
export function mayForget(erasedAt: number, now: number): boolean {
  return now >= erasedAt + ERASED_FOR_MS;
}
