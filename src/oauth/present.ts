import type { PublicJwk } from '../tokens/key-ring.ts';
import type { LivingToken } from './service.ts';

/** RFC 7662 §2.2; times in unix seconds, as in the token. */
export function presentIntrospection(living: LivingToken | null, issuer: string) {
  if (!living) return { active: false };
  return {
    active: true,
    iss: issuer,
    aud: issuer,
    token_type: 'Bearer',
    kind: living.kind,
    ...living.claims,
  };
}

/** RFC 7517 §5. */
export function presentKeySet(keys: PublicJwk[]) {
  return { keys };
}
