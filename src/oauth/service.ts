import { verifySession } from '../access/session-service.ts';
import type { Deps } from '../deps.ts';
import { signOut } from '../device-sessions/ending-service.ts';
import { refreshTokenStands } from '../device-sessions/service.ts';
import { AppError } from '../errors.ts';
import { endIdentifierSession, readIdentifierSession } from '../identifier-sessions/service.ts';
import { leaveLiveSession, readLiveSession } from '../live-sessions/service.ts';
import type { Claims, TokenKind } from '../tokens/claims.ts';

type KnownKind = Extract<TokenKind, 'access' | 'refresh' | 'member' | 'device'>;

/** How one kind of token is looked up and ended. */
interface Handling<Kind extends KnownKind> {
  /** Resolves while what the token stands for stands; refuses otherwise. */
  check(deps: Deps, claims: Claims<Kind>): Promise<unknown>;
  end(deps: Deps, claims: Claims<Kind>): Promise<unknown>;
}

const handlings: { [Kind in KnownKind]: Handling<Kind> } = {
  access: { check: verifySession, end: signOut },
  refresh: { check: refreshTokenStands, end: signOut },
  member: {
    check: (deps, claims) => readLiveSession(deps, claims, null, 1),
    end: leaveLiveSession,
  },
  device: { check: readIdentifierSession, end: endIdentifierSession },
};
const kinds = Object.keys(handlings) as KnownKind[];

export interface LivingToken {
  kind: KnownKind;
  claims: Claims<KnownKind>;
}

/** The claims of a token whose session stands now; null for every other text. */
export async function introspect(deps: Deps, token: string): Promise<LivingToken | null> {
  const found = await recognise(deps, token);
  if (!found) return null;
  const { check } = handlings[found.kind] as Handling<KnownKind>;
  const stands = await standing(check(deps, found.claims));
  return stands ? found : null;
}

/** Ends what a token stands for. Holding the token is enough. An unknown or dead token is no error (RFC 7009). */
export async function revoke(deps: Deps, token: string): Promise<void> {
  const found = await recognise(deps, token);
  if (!found) return;
  const { end } = handlings[found.kind] as Handling<KnownKind>;
  const ended = await standing(end(deps, found.claims));
  if (ended) deps.audit('token_revoked', { kind: found.kind, sid: found.claims.sid });
}

async function recognise({ keyRing, now }: Deps, token: string): Promise<LivingToken | null> {
  for (const kind of kinds) {
    const claims = await keyRing.verify(kind, token, now());
    if (claims) return { kind, claims };
  }
  return null;
}

/** Whether a call was answered. A refusal for a missing credential or session is an answer, a fault is not. */
async function standing(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof AppError && DEAD.has(error.code)) return false;
    throw error;
  }
}

const DEAD = new Set(['session_ended', 'membership_ended', 'live_session_not_found']);
