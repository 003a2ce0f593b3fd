import { DurableObject } from 'cloudflare:workers';
import { ok, type Result } from '../result.ts';
import { chargeAddress, chargeUsername, refundPair, refundWindow } from './rules.ts';
import { openStorage, type ThrottleStorage } from './storage.ts';

/**
 * Counts failed attempts of one subject: a username or an address. An attempt is a failure from its charge until it
 * is refunded, so that parallel guesses are counted before any of them is answered. A `network` is what `networkOf`
 * makes of an address; `chargedAt` is what the charge answered, epoch ms.
 */
export class Throttle extends DurableObject<Env> {
  readonly #storage: ThrottleStorage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openStorage(ctx.storage);
  }

  /** Charges an attempt on this username: when, or a refusal, which costs nothing. */
  chargeUsername(network: string): Result<number, 'too_many_attempts'> {
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

  /** Gives one charge back; nothing where it was forgotten meanwhile. */
  refundUsername(network: string, chargedAt: number): void {
    const pair = this.#storage.pair(network);
    const day = this.#storage.window();
    if (!pair && !day) return;
    this.#write(() => {
      if (pair) this.#storage.putPair(network, refundPair(pair, chargedAt));
      if (day) this.#storage.putWindow(refundWindow(day, chargedAt));
    });
  }

  /** The address had a success on this username: from now on it may try while it is unknown addresses that may not. */
  noteSuccess(network: string): void {
    this.#write(() => this.#storage.putKnown(network, Date.now()));
  }

  /** Charges an attempt from this address: when, or a refusal, which costs nothing. */
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

  #write(change: () => void): void {
    this.#storage.change(change);
    const end = this.#storage.nextEnd();
    if (end !== null) this.ctx.storage.setAlarm(end);
  }
}
