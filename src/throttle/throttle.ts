import { DurableObject } from 'cloudflare:workers';

/** Failed attempts of one subject. */
export class Throttle extends DurableObject<Env> {}

export type ThrottleObject = Pick<Throttle, never>;
