import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import { spend } from '../single-use/service.ts';
import { closeUser, createUser, requireUser } from '../users/service.ts';

const LIFE_MS = 10 * 60_000;

/**
 * An authToken: ten minutes, one use, for one user. Asking for an unknown user makes them, and asking for any
 * closes their entry: from now on naming the `userId` is not enough.
 */
export async function issueAuthToken(deps: Deps, userId: string): Promise<string> {
  const made = await createUser(deps, userId, 'closed');
  const record = made ? made.record : await closeUser(deps, await requireUser(deps, userId));
  const now = deps.now();
  const jti = uuid();
  const exp = Math.floor((now + LIFE_MS) / 1000);
  const { uid, userId: sub } = record;
  // A user who was made just now has had no device session that could have ended.
  const epoch = made ? 0 : await deps.deviceSessions(uid).epoch();
  deps.audit('auth_token_issued', { uid });
  return deps.keyRing.sign('auth', { sub, uid, sid: jti, jti, exp, epoch }, now);
}

/**
 * Spends an authToken of this user, and gives its epoch, which the user's object compares. Refuses `invalid_auth_token`
 * for anything else, and for a second use.
 */
export async function redeemAuthToken(deps: Deps, authToken: string, uid: number): Promise<number> {
  const claims = await deps.keyRing.verify('auth', authToken, deps.now());
  if (claims?.uid !== uid) throw new AppError('invalid_auth_token');
  const first = await spend(deps, 'auth-token', claims.jti, claims.exp * 1000);
  if (!first) throw new AppError('invalid_auth_token');
  return claims.epoch ?? 0;
}
