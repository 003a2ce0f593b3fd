import { iso } from '../times.ts';
import type { RoleRecord } from '../users/contract.ts';

/** A role, as its administration shows it. */
export function presentRole({ roleId, displayName, permissions, createdAt, updatedAt }: RoleRecord) {
  return { roleId, displayName, permissions, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}
