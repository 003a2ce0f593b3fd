import type { Deps } from '../deps.ts';
import { unwrap } from '../errors.ts';
import type { DeviceSessionsObject } from '../platform/objects.ts';
import type { Claims } from '../tokens/claims.ts';
import type { UserRecord } from '../users/contract.ts';
import { noteSeen } from '../users/service.ts';

/** A device session that stands, and the copy of its user's record. */
type Standing = Extract<Awaited<ReturnType<DeviceSessionsObject['standing']>>, { ok: true }>['value'];

/** The copy of the caller's record, if the device session behind the token stands. */
export async function verifySession(deps: Deps, claims: Claims<'access'>): Promise<UserRecord> {
  return (await readSession(deps, claims)).record;
}

/** The device session behind the token, if it stands, and the copy of its user's record. */
export async function readSession(deps: Deps, claims: Claims<'access'>): Promise<Standing> {
  const standing = unwrap(await deps.deviceSessions(claims.uid).standing(claims));
  if (standing.touched) deps.defer(later => noteSeen(later, claims.uid));
  return standing;
}
