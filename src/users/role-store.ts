import { asc, eq, inArray, sql } from 'drizzle-orm';
import type { Database } from '../db.ts';
import type { Along, RoleRow } from './store.ts';
import { roles, userRoles, users } from './table.ts';

export async function listRoles(db: Database): Promise<RoleRow[]> {
  return db.select().from(roles).orderBy(asc(roles.roleId));
}

export async function findRoles(db: Database, roleIds: readonly string[]): Promise<string[]> {
  if (roleIds.length === 0) return [];
  const rows = await db
    .select({ roleId: roles.roleId })
    .from(roles)
    .where(inArray(roles.roleId, [...roleIds]));
  return rows.map(({ roleId }) => roleId);
}

const holders = (roleId: string) => sql`SELECT uid FROM "userRoles" WHERE "roleId" = ${roleId}`;

/** Raises the version of everybody who has a role, and says who they are. */
function raiseHolders(db: Database, roleId: string, now: number) {
  return db
    .update(users)
    .set({ version: sql`${users.version} + 1`, updatedAt: now })
    .where(sql`${users.id} IN (${holders(roleId)})`)
    .returning({ id: users.id });
}

/** Makes or changes a role; the role, and whose records changed with it. */
export async function putRole(
  db: Database,
  role: Pick<RoleRow, 'roleId' | 'displayName' | 'permissions'>,
  now: number,
): Promise<{ role: RoleRow; uids: number[] }> {
  const { displayName, permissions } = role;
  const [[row], raised] = await db.batch([
    db
      .insert(roles)
      .values({ ...role, createdAt: now, updatedAt: now })
      .onConflictDoUpdate({ target: roles.roleId, set: { displayName, permissions, updatedAt: now } })
      .returning(),
    raiseHolders(db, role.roleId, now),
  ]);
  if (!row) throw new Error('an upsert returned nothing');
  return { role: row, uids: raised.map(({ id }) => id) };
}

/** Removes a role from everybody who has it; null where there is none. */
export async function deleteRole(db: Database, roleId: string, now: number): Promise<number[] | null> {
  const [raised, , gone] = await db.batch([
    raiseHolders(db, roleId, now),
    db.delete(userRoles).where(eq(userRoles.roleId, roleId)),
    db.delete(roles).where(eq(roles.roleId, roleId)).returning({ roleId: roles.roleId }),
  ]);
  return gone.length > 0 ? raised.map(({ id }) => id) : null;
}

/** The statements that give a user exactly these roles. */
export function setRoles(uid: number, roleIds: readonly string[]): Along {
  return db => [
    db.delete(userRoles).where(eq(userRoles.uid, uid)),
    ...roleIds.map(roleId => db.insert(userRoles).values({ uid, roleId })),
  ];
}
