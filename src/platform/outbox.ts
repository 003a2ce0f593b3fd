import { logFault } from '../log.ts';
import { MINUTE_MS, SECOND_MS } from '../times.ts';
import type { Row } from './object-sql.ts';

/** How long a call waits for those it tells, before it answers that not all have heard. */
export const DELIVERY_WAIT_MS = 2 * SECOND_MS;

const FIRST_RETRY_MS = 2 * SECOND_MS;
const LONGEST_RETRY_MS = 5 * MINUTE_MS;

/** Another object: which class of objects, and which one of them. */
export interface Target<Kind extends string> {
  kind: Kind;
  id: string;
}

/** What one Durable Object has still to tell to others. A row goes when the other object has heard it. */
export interface Outbox<Kind extends string, Message> {
  /**
   * Writes a message down, to be told at once. To be called in the transaction that gives the reason for it. A later
   * message of the same key replaces an earlier one that was not heard yet.
   */
  put(target: Target<Kind>, key: string, message: Message, now: number): void;
  /**
   * Tells everything that is still to be told, also what earlier calls left. True where nothing is left of it within
   * `DELIVERY_WAIT_MS`. The alarm tells the rest.
   */
  deliver(): Promise<boolean>;
  /** When the next try is due; null where nothing waits. */
  nextAt(): number | null;
}

/** What an outbox needs from the object that holds it. */
export interface OutboxParts<Kind extends string, Message> {
  sql: SqlStorage;
  /** Tells one message. Telling it twice must change nothing the second time. */
  send: (target: Target<Kind>, message: Message) => Promise<void>;
  /** Arms the object's alarm by what is in storage now. */
  setAlarm: () => void;
}

/**
 * The table of an outbox, for a step of the schema. `message` is JSON, `attempts` counts the tries, `dueAt` is the
 * next one in epoch ms. Never edited: a later step changes what this made.
 */
export function createOutbox(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS outbox
      (targetKind TEXT, targetId TEXT, key TEXT, message TEXT NOT NULL, attempts INTEGER NOT NULL,
       dueAt INTEGER NOT NULL, PRIMARY KEY (targetKind, targetId, key)) WITHOUT ROWID
  `);
}

interface MessageRow extends Row {
  targetKind: string;
  targetId: string;
  key: string;
  message: string;
  attempts: number;
}

/** When a message is told again after so many tries. */
export function retryAt(attempts: number, now: number): number {
  return now + Math.min(FIRST_RETRY_MS * 2 ** attempts, LONGEST_RETRY_MS);
}

/**
 * Tells other objects what they must hear. A message is written in the transaction that gives the reason for it, told
 * at once, awaited for a moment, and told again by the alarm until it was heard. So no crash loses it.
 */
export function makeOutbox<Kind extends string, Message>({
  sql,
  send,
  setAlarm,
}: OutboxParts<Kind, Message>): Outbox<Kind, Message> {
  const waiting = () =>
    sql.exec<MessageRow>('SELECT targetKind, targetId, key, message, attempts FROM outbox').toArray();
  const isEmpty = () => sql.exec('SELECT 1 FROM outbox LIMIT 1').toArray().length === 0;

  async function tell({ targetKind, targetId, key, message }: MessageRow): Promise<void> {
    try {
      await send({ kind: targetKind as Kind, id: targetId }, JSON.parse(message));
      // A message that replaced this one meanwhile is still to be told.
      sql.exec(
        'DELETE FROM outbox WHERE targetKind = ? AND targetId = ? AND key = ? AND message = ?',
        targetKind,
        targetId,
        key,
        message,
      );
    } catch (error) {
      logFault(`delivery to ${targetKind} ${targetId}`, error);
    }
  }

  return {
    put({ kind, id }, key, message, now) {
      const text = JSON.stringify(message);
      sql.exec('INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, 0, ?)', kind, id, key, text, now);
    },

    async deliver() {
      const messages = waiting();
      if (messages.length === 0) return true;
      // The next try is written down before this one, so that neither a crash nor a hanging callee can lose it.
      const now = Date.now();
      for (const { targetKind, targetId, key, attempts } of messages) {
        sql.exec(
          `UPDATE outbox SET attempts = ?, dueAt = ? WHERE targetKind = ? AND targetId = ? AND key = ?`,
          attempts + 1,
          retryAt(attempts, now),
          targetKind,
          targetId,
          key,
        );
      }
      setAlarm();
      await Promise.race([Promise.all(messages.map(tell)), scheduler.wait(DELIVERY_WAIT_MS)]);
      setAlarm();
      return isEmpty();
    },

    nextAt: () => sql.exec<{ dueAt: number | null }>('SELECT min(dueAt) AS dueAt FROM outbox').one().dueAt,
  };
}
