import { DurableObject } from 'cloudflare:workers';
import { ok, type Result, refuse } from '../result.ts';
import type { Presence } from './contract.ts';
import type { SetPresence } from './rules.ts';

/**
 * One user's presence, named by `users.id`: the chain that was set last, and when. What of it is in force follows from
 * the time (`rules.ts`), so there are no alarms, and nothing is written when a part runs out.
 */
export class UserPresence extends DurableObject<Env> {
  #exists: boolean;
  /** Ids of users are never reused: what was erased once is never set again. */
  #erased = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const tables = ctx.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'presence'");
    this.#exists = tables.toArray().length > 0;
  }

  /** Replaces whatever was set before, from now on. Refuses `user_not_found` after an erasure. */
  set(presence: Presence): Result<undefined, 'user_not_found'> {
    if (this.#erased) return refuse('user_not_found');
    this.ctx.storage.transactionSync(() => {
      this.ctx.storage.sql.exec(
        `CREATE TABLE IF NOT EXISTS presence
           (one INTEGER PRIMARY KEY CHECK (one = 1), presence TEXT NOT NULL, setAt INTEGER NOT NULL)`,
      );
      this.ctx.storage.sql.exec(
        'INSERT OR REPLACE INTO presence (one, presence, setAt) VALUES (1, ?, ?)',
        JSON.stringify(presence),
        Date.now(),
      );
    });
    this.#exists = true;
    return ok(undefined);
  }

  /** What was set last, in force or not; null where nothing ever was. */
  read(): SetPresence | null {
    if (!this.#exists) return null;
    const { presence, setAt } = this.ctx.storage.sql
      .exec<{ presence: string; setAt: number }>('SELECT presence, setAt FROM presence')
      .one();
    return { presence: JSON.parse(presence), setAt };
  }

  /**
   * Leaves nothing, however often it is asked. A user is marked as erased before, and whoever sets a presence asks for
   * the user first; a set that asked just before the mark and comes just after this is refused here. Only memory knows,
   * so that nothing need be kept for ever: the object stays in it for seconds, such a set is late by milliseconds.
   */
  async erase(): Promise<void> {
    this.#erased = true;
    this.#exists = false;
    await this.ctx.storage.deleteAll();
  }
}
