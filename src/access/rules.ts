import type { Actor } from '../events/types.ts';
import type { Caller } from './caller.ts';

/** The caller, as the one who caused an event. */
export function actorOf(caller: Caller): Actor {
  if (caller.kind === 'system') return { kind: 'key', keyId: caller.keyId };
  return { kind: 'user', userId: caller.claims.sub };
}
