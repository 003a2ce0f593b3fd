import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import type { PhotoRow, RoleRow, UserRow } from '../users/store.ts';
import { photos, roles, userRoles, users } from '../users/table.ts';

/** A user as others may see them; of the photos the newest alone. */
export interface PublicUser {
  row: UserRow;
  roles: RoleRow[];
  photos: PhotoRow[];
}

/** The users of these names with what is shown of them, read in one trip; those there are, in no order. */
export async function findPublicUsers(db: Database, userIds: readonly string[]): Promise<PublicUser[]> {
  const named = and(
    sql`${users.userId} IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`,
    isNull(users.erasedAt),
  );
  const ids = db.select({ id: users.id }).from(users).where(named);
  const newest = sql`${photos.id} = (SELECT p.id FROM photos AS p WHERE p.uid = ${photos.uid} ORDER BY p.createdAt DESC, p.id DESC LIMIT 1)`;
  const [rows, has, pictures] = await db.batch([
    db.select().from(users).where(named),
    db
      .select({ uid: userRoles.uid, role: roles })
      .from(userRoles)
      .innerJoin(roles, eq(roles.roleId, userRoles.roleId))
      .where(inArray(userRoles.uid, ids))
      .orderBy(asc(roles.roleId)),
    db
      .select()
      .from(photos)
      .where(and(inArray(photos.uid, ids), newest)),
  ]);
  return rows.map(row => ({
    row,
    roles: has.filter(({ uid }) => uid === row.id).map(({ role }) => role),
    photos: pictures.filter(({ uid }) => uid === row.id),
  }));
}
