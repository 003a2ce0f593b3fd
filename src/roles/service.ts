import { targetUser } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { changeUser } from '../users/change-store.ts';
import type { RoleRecord, UserRecord } from '../users/contract.ts';
import { COPIES_AT_ONCE, type Publishing, publish, publishMany } from '../users/copy-service.ts';
import { deleteRole, findLaggingHolders, findRoles, listRoles, putRole, setRoles } from './store.ts';

/** Gives a user exactly these roles, and closes the user, because a role is worth stealing. */
export async function giveRoles(
  deps: Publishing,
  record: UserRecord,
  roleIds: string[],
): Promise<UserRecord> {
  const known = await findRoles(deps.db, roleIds);
  const unknown = roleIds.find(roleId => !known.includes(roleId));
  if (unknown !== undefined) throw new AppError('role_not_found', { detail: unknown });
  const exactly = setRoles(record.uid, [...new Set(roleIds)]);
  const closing = roleIds.length > 0 ? { closing: true as const } : {};
  return publish(deps, await changeUser(deps.db, record.uid, closing, deps.now(), exactly));
}

export const readRoles = (deps: Pick<Deps, 'db'>): Promise<RoleRecord[]> => listRoles(deps.db);

/** Makes or changes a role, for every user who has it. */
export async function defineRole(
  deps: Publishing,
  role: Pick<RoleRecord, 'roleId' | 'displayName' | 'permissions'>,
): Promise<RoleRecord> {
  const defined = await putRole(deps.db, role, deps.now());
  await publishRole(deps, role.roleId);
  return defined;
}

/** Deletes a role and takes it from every user who has it. Refuses `role_not_found`. */
export async function removeRole(deps: Publishing, roleId: string): Promise<void> {
  const uids = await deleteRole(deps.db, roleId, deps.now());
  if (!uids) throw new AppError('role_not_found', { detail: roleId });
  await publishMany(deps, uids);
}

/** Brings the copies of a role's holders up to date. 503 while some still lag; the next call goes on from there. */
async function publishRole(deps: Publishing, roleId: string): Promise<void> {
  await publishMany(deps, await findLaggingHolders(deps.db, roleId, COPIES_AT_ONCE + 1));
}

/** Gives a user exactly these roles; refuses `role_not_found`. */
export async function setUserRoles(deps: Deps, userId: string, roleIds: string[]): Promise<UserRecord> {
  const record = await giveRoles(deps, await targetUser(deps, userId), roleIds);
  deps.audit('roles_changed', { uid: record.uid, roles: roleIds.join(' ') });
  return record;
}
