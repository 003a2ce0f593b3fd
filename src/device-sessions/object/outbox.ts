import { logFault } from '../../log.ts';
import type { LiveSessionObject } from '../../platform/objects.ts';
import { DELIVERY_WAIT_MS, retryAt } from '../rules.ts';
import type { Delivery, DeviceSessionsStorage } from './storage.ts';

export interface Outbox {
  /** Ends these device sessions and tells the live sessions joined through them. */
  end(ids: readonly string[]): Promise<boolean>;
  /**
   * Tells the live sessions what is still to be told; whether nothing is left of it in time. All of it, also of
   * earlier endings: an ending that is asked for again is answered by the truth, not by having nothing to do.
   */
  deliver(): Promise<boolean>;
}

interface World {
  storage: DeviceSessionsStorage;
  transaction: (change: () => void) => void;
  liveSession: (liveId: string) => LiveSessionObject;
  setAlarm: () => void;
}

/**
 * Ends device sessions and tells the live sessions. What is to be told is written in the transaction that ends,
 * told at once and awaited for a moment, and told again by the alarm until it was heard: no crash loses it.
 */
export function openOutbox({ storage, transaction, liveSession, setAlarm }: World): Outbox {
  async function tell(delivery: Delivery): Promise<void> {
    try {
      const subject = String(storage.record()?.uid);
      const erased = storage.erasedAt() !== null;
      await liveSession(delivery.liveId).endDeviceSession(subject, delivery.sid, erased);
      storage.delivered(delivery);
    } catch (error) {
      const { liveId } = delivery;
      logFault(`not told to the live session ${liveId}`, error);
    }
  }

  async function deliver(): Promise<boolean> {
    const waiting = storage.outbox();
    if (waiting.length === 0) return true;
    // The next try is written down before this one, so that neither a crash nor a hanging callee can lose it.
    const now = Date.now();
    for (const delivery of waiting) storage.tried(delivery, retryAt(delivery.attempts, now));
    setAlarm();
    await Promise.race([Promise.all(waiting.map(tell)), scheduler.wait(DELIVERY_WAIT_MS)]);
    setAlarm();
    return storage.outbox().length === 0;
  }

  return {
    deliver,
    async end(ids) {
      const now = Date.now();
      transaction(() => {
        for (const id of ids) storage.endSession(id, now);
      });
      setAlarm();
      return deliver();
    },
  };
}
