import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import { isSpent, spend } from '../single-use/service.ts';
import type { Claims } from '../tokens/claims.ts';
import type { IdentifierSession } from './contract.ts';

/** A device token, made without any storage: two tokens of the same identifier have nothing to do with each other. */
export async function startIdentifierSession(
  deps: Deps,
  identifier: string,
): Promise<{ token: string; session: IdentifierSession }> {
  const session = uuid();
  const activatedAt = deps.now();
  const expiresAt = Math.floor((activatedAt + deps.config.identifierSessionMs) / 1000) * 1000;
  const claims = { sub: `guest:${session}`, sid: session, session, identifier, exp: expiresAt / 1000 };
  const token = await deps.keyRing.sign('device', claims, activatedAt);
  return { token, session: { session, identifier, activatedAt, expiresAt } };
}

/** The session behind a device token, if it was not ended. */
export async function readIdentifierSession(
  deps: Deps,
  { session, identifier, iat, exp }: Claims<'device'>,
): Promise<IdentifierSession> {
  if (await isSpent(deps, 'device-token', session)) throw new AppError('session_ended');
  return { session, identifier, activatedAt: iat * 1000, expiresAt: exp * 1000 };
}

/** Ends it: the only write, kept until the token would have expired. */
export async function endIdentifierSession(deps: Deps, { session, exp }: Claims<'device'>): Promise<void> {
  const first = await spend(deps, 'device-token', session, exp * 1000);
  if (!first) throw new AppError('session_ended');
}
