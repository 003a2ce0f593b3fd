import type { Caller } from '../access/caller.ts';
import { actorOf } from '../access/rules.ts';
import { verifySession } from '../access/session-service.ts';
import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere, unwrap } from '../errors.ts';
import type { Actor } from '../events/types.ts';
import type { Claims } from '../tokens/claims.ts';
import { requireUser } from '../users/service.ts';

const userIdMissing = { errors: [{ path: 'userId', message: 'is required with a secret key' }] };

type OwnClaims = Claims<'access' | 'refresh'>;

const byUser = ({ sub }: Pick<OwnClaims, 'sub'>): Actor => ({ kind: 'user', userId: sub });

/** Ends the device session behind the token. */
export async function signOut(deps: Deps, claims: OwnClaims): Promise<void> {
  const { uid, sid } = claims;
  const which = { kind: 'presented', presented: claims } as const;
  const ended = unwrap(await deps.deviceSessions(uid).end(which, 'signed_out', byUser(claims)));
  if (ended.missing.length === 0) deps.audit('signed_out', { uid, sid });
  requireEverywhere(ended);
  if (ended.missing.length > 0) throw new AppError('session_ended');
}

/**
 * Ends the presented device session or, where a `userId` is named, every one of that user: on their own word or a
 * secret key's.
 */
export async function endSessions(deps: Deps, caller: Caller, userId: string | undefined): Promise<void> {
  if (caller.kind === 'system') {
    if (userId === undefined) throw new AppError('invalid_input', userIdMissing);
    return signOutUser(deps, caller, userId);
  }
  if (userId === undefined) return signOut(deps, caller.claims);
  const record = await verifySession(deps, caller.claims);
  if (record.userId !== userId) throw new AppError('not_allowed');
  return signOutEverywhere(deps, caller.claims);
}

/** Ends every device session of the user behind the token. */
export async function signOutEverywhere(deps: Deps, claims: Claims<'access'>): Promise<void> {
  const { uid, sid } = claims;
  const which = { kind: 'all', presented: claims } as const;
  const ended = unwrap(await deps.deviceSessions(uid).end(which, 'signed_out', byUser(claims)));
  deps.audit('signed_out', { uid, sid, all: true });
  requireEverywhere(ended);
}

/** Ends every device session of a user, on the word of a secret key. */
export async function signOutUser(deps: Deps, caller: Caller, userId: string): Promise<void> {
  const { uid } = (await requireUser(deps, userId)).record;
  const ended = unwrap(await deps.deviceSessions(uid).end({ kind: 'all' }, 'revoked', actorOf(caller)));
  deps.audit('signed_out', { uid, all: true, by: 'key' });
  requireEverywhere(ended);
}

/** Ends one of the caller's device sessions; refuses `device_not_found`. */
export async function endDevice(deps: Deps, claims: Claims<'access'>, id: string): Promise<void> {
  const { uid } = claims;
  const which = { kind: 'some', ids: [id], presented: claims } as const;
  const ended = unwrap(await deps.deviceSessions(uid).end(which, 'revoked', byUser(claims)));
  if (ended.missing.length === 0) deps.audit('signed_out', { uid, sid: id });
  // An end that was asked for before may not have reached every live session yet: not done, rather than not there.
  requireEverywhere(ended);
  if (ended.missing.length > 0) throw new AppError('device_not_found');
}

/** Ends every device session of the caller, except the one that asks. */
export async function endOtherDevices(deps: Deps, claims: Claims<'access'>): Promise<void> {
  const { uid, sid } = claims;
  const which = { kind: 'others', presented: claims } as const;
  const ended = unwrap(await deps.deviceSessions(uid).end(which, 'revoked', byUser(claims)));
  deps.audit('signed_out', { uid, sid, others: true });
  requireEverywhere(ended);
}
