/** Which part of a chain is in force: pure arithmetic, `now` in epoch ms. */
import type { Presence } from './contract.ts';

/** A chain, and when it was set: epoch ms. */
export interface SetPresence {
  presence: Presence;
  setAt: number;
}

/**
 * The part in force, with what is left of its time, and the rest of its chain as it was set; null once the chain ran
 * out. A part's time begins when the one before it ends, and at that very instant the next is in force. A static part
 * never ends, so the part after it never comes. After a clock that went backwards the chain counts as just set.
 */
export function presenceAt({ presence, setAt }: SetPresence, now: number): Presence | null {
  let elapsedMs = Math.max(0, now - setAt);
  for (let part: Presence | null = presence; part; part = part.expiresTo ?? null) {
    if (part.timeToLive === 0) return part;
    const spanMs = toMs(part.timeToLive);
    if (elapsedMs < spanMs) return { ...part, timeToLive: secondsOf(spanMs - elapsedMs) };
    elapsedMs -= spanMs;
  }
  return null;
}

/** Whole milliseconds. A part shorter than half of one is over at once, but never static. */
const toMs = (seconds: number): number => Math.round(seconds * 1000);

/** Whole seconds for the wire, rounded up, because 0 would mean static. */
const secondsOf = (ms: number): number => Math.ceil(ms / 1000);
