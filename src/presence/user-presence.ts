import { DurableObject } from 'cloudflare:workers';

/** One user's presence. */
export class UserPresence extends DurableObject<Env> {}

export type UserPresenceObject = Pick<UserPresence, never>;
