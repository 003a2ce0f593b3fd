import type { RoleRecord } from '../users/contract.ts';

export { presentUser } from '../device-sessions/present.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** A role, as its administration shows it. */
export function presentRole({ roleId, displayName, permissions, createdAt, updatedAt }: RoleRecord) {
  return { roleId, displayName, permissions, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}
