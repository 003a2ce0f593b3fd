import { DurableObject } from 'cloudflare:workers';
import { ok, type Result, refuse } from '../result.ts';
import { SECOND_MS } from '../times.ts';
import { chargeAddress, chargeUsername, failPair, refundPair, refundWindow } from './rules.ts';
import { openStorage, type ThrottleStorage } from './storage.ts';

/** How long an attempt waits for the next of those before it to be judged, and how many of one network may wait. */
const JUDGED_WITHIN_MS = 2 * SECOND_MS;
/** Time passes in steps: hashes that hold up everything here, judgements included, count as one step. */
const STEP_MS = 100;
const MOST_WAITING = 50;

const guessing = refuse('too_many_attempts');

/**
 * Counts failed attempts of one subject: a username or a network. An attempt is a failure from its charge until it is
 * refunded, so that parallel guesses are counted before any of them is answered. A `network` is what `networkOf` makes of
 * an address; `chargedAt` is what the charge answered, epoch ms.
 */
export class Throttle extends DurableObject<Env> {
  readonly #storage: ThrottleStorage;
  /** By network: wakes the attempts that wait for others to be judged. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openStorage(ctx.storage);
  }

  /**
   * Charges an attempt on this username: when, or a refusal, which costs nothing. Refuses `too_many_attempts` to a
   * network that has to wait after its failures, and `try_again` where as many attempts as may fail are being judged and
   * none of them is done within two seconds. A network that failed lately hears the first of the two then as well.
   */
  async chargeUsername(network: string): Promise<Result<number, 'too_many_attempts' | 'try_again'>> {
    let charged = this.#charge(network);
    if (charged.ok || charged.code !== 'try_again') return charged;
    if ((this.#waiting.get(network)?.size ?? 0) >= MOST_WAITING) return guessing;
    while (!charged.ok && charged.code === 'try_again') {
      if (!(await this.#nextJudged(network))) return this.#failedLately(network) ? guessing : charged;
      charged = this.#charge(network);
    }
    return charged;
  }

  /** The attempt succeeded: its charge is given back, and the network may try from now on while unknown ones may not. */
  succeeded(network: string, chargedAt: number): void {
    const pair = this.#storage.pair(network);
    const day = this.#storage.window();
    // The subject was forgotten since: nothing of it may be left behind.
    if (!pair && !day) return;
    this.#write(() => {
      if (pair) this.#storage.putPair(network, refundPair(pair, chargedAt));
      if (day) this.#storage.putWindow(refundWindow(day, chargedAt));
      this.#storage.putKnown(network, Date.now());
    });
    this.#wake(network);
  }

  /** The attempt failed: its charge stays. */
  failed(network: string, chargedAt: number): void {
    const pair = this.#storage.pair(network);
    if (!pair) return;
    this.#write(() => this.#storage.putPair(network, failPair(pair, chargedAt, Date.now())));
    this.#wake(network);
  }

  /** The network had a success on this username without an attempt: from now on it may try while unknown ones may not. */
  noteSuccess(network: string): void {
    this.#write(() => this.#storage.putKnown(network, Date.now()));
  }

  /** Charges an attempt from this network: when, or a refusal, which costs nothing. */
  chargeAddress(): Result<number, 'too_many_attempts'> {
    const now = Date.now();
    const charged = chargeAddress(this.#storage.window(), now);
    if (!charged.ok) return charged;
    this.#write(() => this.#storage.putWindow(charged.value));
    return ok(now);
  }

  /** Gives one charge back; nothing where it was forgotten meanwhile. */
  refundAddress(chargedAt: number): void {
    const hour = this.#storage.window();
    if (hour) this.#write(() => this.#storage.putWindow(refundWindow(hour, chargedAt)));
  }

  /** Forgets everything about the subject: it is erased. */
  async forget(): Promise<void> {
    await this.#storage.deleteAll();
  }

  /** Forgets what has ended, and with the last of it the tables. */
  override async alarm(): Promise<void> {
    this.#storage.deleteEnded(Date.now());
    const end = this.#storage.nextEnd();
    if (end === null) await this.#storage.deleteAll();
    else this.ctx.storage.setAlarm(end);
  }

  #charge(network: string): Result<number, 'too_many_attempts' | 'try_again'> {
    const now = Date.now();
    const facts = {
      pair: this.#storage.pair(network),
      day: this.#storage.window(),
      known: this.#storage.isKnown(network, now),
    };
    const charged = chargeUsername(facts, now);
    if (!charged.ok) return charged;
    this.#write(() => {
      this.#storage.putPair(network, charged.value.pair);
      this.#storage.putWindow(charged.value.day);
    });
    return ok(now);
  }

  /** Waits until an attempt of this network is judged; false where none is in time. */
  async #nextJudged(network: string): Promise<boolean> {
    const waiting = this.#waiting.get(network) ?? new Set();
    this.#waiting.set(network, waiting);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const wake = () => resolve(true);
    waiting.add(wake);
    let judged = false;
    for (let waited = 0; waited < JUDGED_WITHIN_MS && !judged; waited += STEP_MS) {
      judged = await Promise.race([promise, scheduler.wait(STEP_MS).then(() => false)]);
    }
    waiting.delete(wake);
    if (waiting.size === 0) this.#waiting.delete(network);
    return judged;
  }

  #failedLately(network: string): boolean {
    const pair = this.#storage.pair(network);
    return pair !== null && pair.failures > pair.pending.length;
  }

  /** In the order in which they came: those who still find no place wait again. */
  #wake(network: string): void {
    for (const wake of this.#waiting.get(network) ?? []) wake();
  }

  #write(change: () => void): void {
    this.#storage.change(change);
    const end = this.#storage.nextEnd();
    if (end !== null) this.ctx.storage.setAlarm(end);
  }
}
