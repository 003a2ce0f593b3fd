import type { Claims } from '../tokens/claims.ts';

/** Who asks: a user by an access token, or a secret key. */
export type Caller = { kind: 'user'; claims: Claims<'access'> } | { kind: 'system'; keyId: string };

/** Who joins: a user, or the bearer of a device token. */
export type Joiner = { kind: 'user'; claims: Claims<'access'> } | { kind: 'guest'; claims: Claims<'device'> };
