import { and, asc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { runBatch } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import type { WithChange } from '../users/change-store.ts';
import type { RoleRow } from '../users/store.ts';
import { roles, userRoles, users } from '../users/table.ts';

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

/** Raises the version of every user who has a role. Returns those users. */
function raiseHolders(db: Database, roleId: string, now: number, where?: SQL) {
  return db
    .update(users)
    .set({ version: sql`${users.version} + 1`, updatedAt: now })
    .where(and(sql`${users.id} IN (${holders(roleId)})`, where))
    .returning({ id: users.id });
}

/** Makes or changes a role. The records of its holders change with it, but only where the role is different. */
export async function putRole(
  db: Database,
  role: Pick<RoleRow, 'roleId' | 'displayName' | 'permissions'>,
  now: number,
): Promise<RoleRow> {
  const { roleId, displayName, permissions } = role;
  const differs = sql`(${roles.displayName} IS NOT ${displayName} OR ${roles.permissions} IS NOT ${JSON.stringify(permissions)})`;
  const isAnother = sql`EXISTS (SELECT 1 FROM ${roles} WHERE ${roles.roleId} = ${roleId} AND ${differs})`;
  const { rows } = await runBatch(db, {
    holders: raiseHolders(db, roleId, now, isAnother),
    role: db
      .insert(roles)
      .values({ ...role, createdAt: now, updatedAt: now })
      .onConflictDoUpdate({
        target: roles.roleId,
        set: { displayName, permissions, updatedAt: now },
        setWhere: differs,
      }),
    rows: db.select().from(roles).where(eq(roles.roleId, roleId)),
  });
  return rows[0] ?? { ...role, createdAt: now, updatedAt: now };
}

/** Holders of a role whose objects are not known to hold their latest version. */
export async function findLaggingHolders(db: Database, roleId: string, limit: number): Promise<number[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(and(sql`${users.id} IN (${holders(roleId)})`, lt(users.copiedVersion, users.version)))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/** Removes a role from every user who has it; null where there is none. */
export async function deleteRole(db: Database, roleId: string, now: number): Promise<number[] | null> {
  const { raised, removed } = await runBatch(db, {
    raised: raiseHolders(db, roleId, now),
    holdings: db.delete(userRoles).where(eq(userRoles.roleId, roleId)),
    removed: db.delete(roles).where(eq(roles.roleId, roleId)).returning({ roleId: roles.roleId }),
  });
  return removed.length > 0 ? raised.map(({ id }) => id) : null;
}

/** The statements that give a user exactly these roles. */
export function setRoles(uid: number, roleIds: readonly string[]): WithChange {
  return db => [
    db.delete(userRoles).where(eq(userRoles.uid, uid)),
    // Selected from the roles, so that a role that was deleted in between is not given.
    ...roleIds.map(roleId =>
      db.insert(userRoles).select(
        db
          .select({ uid: sql<number>`${uid}`.as('uid'), roleId: roles.roleId })
          .from(roles)
          .where(
            and(
              eq(roles.roleId, roleId),
              sql`EXISTS (SELECT 1 FROM users WHERE id = ${uid} AND "erasedAt" IS NULL)`,
            ),
          ),
      ),
    ),
  ];
}
