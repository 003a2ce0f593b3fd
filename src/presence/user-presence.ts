import { DurableObject } from 'cloudflare:workers';
import { openSchema, type Schema, type SchemaStep } from '../platform/schema.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { WrittenBy } from '../users/contract.ts';
import type { Presence } from './contract.ts';
import type { SetPresence } from './rules.ts';

/** As it was when steps began. */
const table: SchemaStep = sql => {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS presence
      (one INTEGER PRIMARY KEY CHECK (one = 1), presence TEXT NOT NULL, setAt INTEGER NOT NULL)
  `);
};

/** By what proof it was set: a presence of `bare` goes when its user closes. */
const writtenBy: SchemaStep = sql => {
  sql.exec('ALTER TABLE presence ADD COLUMN writtenBy TEXT');
};

/** In order. A step is never edited once released; a change is a new one at the end. */
const steps: readonly SchemaStep[] = [table, writtenBy];

/**
 * One user's presence, named by `users.id`: the chain that was set last, and when. `rules.ts` computes the part in force
 * from the time, so there are no alarms, and nothing is written when a part runs out.
 */
export class UserPresence extends DurableObject<Env> {
  readonly #schema: Schema;
  #exists: boolean;
  /** Ids of users are never reused, so a presence that was erased is never set again. */
  #erased = false;
  /** The same of a user who closed: only memory knows of it. */
  #closed = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#schema = openSchema(ctx.storage, steps, 'presence');
    this.#exists = this.#schema.exists();
  }

  /**
   * Replaces the presence that was set before. Refuses `user_not_found` after an erasure, and `session_ended` what a bare
   * `userId` sets after its user has closed.
   */
  set(
    presence: Presence,
    writtenBy: WrittenBy = 'system',
  ): Result<undefined, 'user_not_found' | 'session_ended'> {
    if (this.#erased) return refuse('user_not_found');
    if (this.#closed && writtenBy === 'bare') return refuse('session_ended');
    this.ctx.storage.transactionSync(() => {
      if (!this.#exists) this.#schema.create();
      this.ctx.storage.sql.exec(
        'INSERT OR REPLACE INTO presence (one, presence, setAt, writtenBy) VALUES (1, ?, ?, ?)',
        JSON.stringify(presence),
        Date.now(),
        writtenBy,
      );
    });
    this.#exists = true;
    return ok(undefined);
  }

  /** The chain that was set last, in force or not; null where none was. */
  read(): SetPresence | null {
    if (!this.#exists) return null;
    const [row] = this.ctx.storage.sql
      .exec<{ presence: string; setAt: number }>('SELECT presence, setAt FROM presence')
      .toArray();
    return row ? { presence: JSON.parse(row.presence), setAt: row.setAt } : null;
  }

  /** The user has closed: what a bare `userId` set goes, and a call that was begun before and comes late is refused. */
  dropBare(): void {
    this.#closed = true;
    if (this.#exists) this.ctx.storage.sql.exec("DELETE FROM presence WHERE writtenBy = 'bare'");
  }

  /**
   * Leaves nothing, however often it is asked. The user is marked as erased before, and a caller asks for the user before
   * it sets a presence. A set that asked just before the mark and comes just after this is refused here. Memory alone
   * knows of it, so that nothing has to be kept: the object stays in memory for seconds, such a set comes milliseconds
   * late.
   */
  async erase(): Promise<void> {
    this.#erased = true;
    this.#exists = false;
    await this.ctx.storage.deleteAll();
  }
}
