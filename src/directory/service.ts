import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere, unwrap } from '../errors.ts';
import type { UserRecord } from '../users/contract.ts';
import { liftRetiredBan } from '../users/erasure-service.ts';
import { giveRoles } from '../users/role-service.ts';
import { requireUser, updateUser } from '../users/service.ts';
import { managedId } from './access-service.ts';
import type { UserPatch } from './contract.ts';

export { defineRole, readRoles, removeRole } from '../users/role-service.ts';

/** Changes what a user's record shows; `null` and absent members stay, an empty text clears. */
export async function patchUser(deps: Deps, userId: string, patch: UserPatch): Promise<UserRecord> {
  const record = await targetUser(deps, userId);
  const given = Object.entries(patch).filter(([, value]) => value != null);
  if (given.length === 0) return record;
  const change = Object.fromEntries(given.map(([name, value]) => [name, value === '' ? null : value]));
  return updateUser(deps, record.uid, change);
}

/** Gives a user exactly these roles; refuses `role_not_found`. */
export async function setUserRoles(deps: Deps, userId: string, roleIds: string[]): Promise<UserRecord> {
  const record = await giveRoles(deps, await targetUser(deps, userId), roleIds);
  deps.audit('roles_changed', { uid: record.uid, roles: roleIds.join(' ') });
  return record;
}

/** Ends everything of a user and refuses them until lifted or `until`. The object first, D1's flag after it. */
export async function banUser(
  deps: Deps,
  userId: string,
  { reason, until }: { reason: string | null; until: number | null },
): Promise<void> {
  if (until !== null && until <= deps.now()) throw new AppError('invalid_input', inFuture);
  const { uid } = await targetUser(deps, userId);
  const ended = unwrap(await deps.deviceSessions(uid).ban({ reason, until }));
  deps.audit('banned', { uid, until });
  await showBan(deps, uid);
  requireEverywhere(ended);
}

/** Lifts a ban; also one that outlived its user, by the name they had. */
export async function liftBan(deps: Deps, userId: string): Promise<void> {
  if (await liftRetiredBan(deps, userId)) return;
  const { uid } = await targetUser(deps, userId);
  await deps.deviceSessions(uid).liftBan();
  deps.audit('ban_lifted', { uid });
  await showBan(deps, uid);
}

/** How often the flag is written again when a ban and its lifting race. */
const FLAG_TRIES = 3;

/** Brings D1's flag to what the object says, also where another call changed that meanwhile. */
async function showBan(deps: Deps, uid: number): Promise<void> {
  const object = deps.deviceSessions(uid);
  let shown = await object.currentBan();
  for (let tried = 0; tried < FLAG_TRIES; tried += 1) {
    const flag = shown
      ? { bannedAt: deps.now(), bannedUntil: shown.until }
      : { bannedAt: null, bannedUntil: null };
    await updateUser(deps, uid, flag);
    const now = await object.currentBan();
    if ((now === null) === (shown === null) && now?.until === shown?.until) return;
    shown = now;
  }
}

/** The user an administration call names: never the built-in one, and `me` names nobody where a key calls. */
async function targetUser(deps: Deps, userId: string): Promise<UserRecord> {
  return (await requireUser(deps, managedId(userId))).record;
}

const inFuture = { errors: [{ path: 'until', message: 'must be in the future' }] };
