import type { Deps } from '../deps.ts';
import { requireEverywhere } from '../device-sessions/service.ts';
import { AppError } from '../errors.ts';
import type { UserRecord } from '../users/contract.ts';
import { giveRoles, requireUser, updateUser } from '../users/service.ts';
import type { UserPatch } from './contract.ts';

export { defineRole, readRoles, removeRole } from '../users/service.ts';

/** Changes what a user's record shows; `null` and absent members stay, an empty text clears. */
export async function patchUser(deps: Deps, userId: string, patch: UserPatch): Promise<UserRecord> {
  const { record } = await requireUser(deps, userId);
  const given = Object.entries(patch).filter(([, value]) => value != null);
  if (given.length === 0) return record;
  const change = Object.fromEntries(given.map(([name, value]) => [name, value === '' ? null : value]));
  return updateUser(deps, record.uid, change);
}

/** Gives a user exactly these roles; refuses `role_not_found`. */
export async function setUserRoles(deps: Deps, userId: string, roleIds: string[]): Promise<UserRecord> {
  const record = await giveRoles(deps, await requireUser(deps, userId), roleIds);
  deps.audit('roles_changed', { uid: record.uid, roles: roleIds.join(' ') });
  return record;
}

/** Ends everything of a user and refuses them until lifted or `until`. The object first, D1's flag after it. */
export async function banUser(
  deps: Deps,
  userId: string,
  { reason, until }: { reason: string | null; until: number | null },
): Promise<void> {
  const now = deps.now();
  if (until !== null && until <= now) throw new AppError('invalid_input', inFuture);
  const { record } = await requireUser(deps, userId);
  const ended = await deps.deviceSessions(record.uid).ban({ reason, until });
  deps.audit('banned', { uid: record.uid, until });
  await updateUser(deps, record.uid, { bannedAt: now, bannedUntil: until });
  requireEverywhere(ended);
}

export async function liftBan(deps: Deps, userId: string): Promise<void> {
  const { record } = await requireUser(deps, userId);
  await deps.deviceSessions(record.uid).liftBan();
  deps.audit('ban_lifted', { uid: record.uid });
  await updateUser(deps, record.uid, { bannedAt: null, bannedUntil: null });
}

const inFuture = { errors: [{ path: 'until', message: 'must be in the future' }] };
