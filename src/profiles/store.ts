import { and, asc, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import type { WrittenBy } from '../users/contract.ts';
import { users } from '../users/table.ts';
import { attributeDefs, profileAttributes } from './table.ts';

export type AttributeDef = typeof attributeDefs.$inferSelect;

/** An attribute, and the time of the definition it follows. A definition is never changed, only replaced. */
export type DefinedAttribute = Attribute & { definedAt: number };

/** The outcome of setting attributes. `redefined`: one of their definitions is gone or was replaced. */
export type SetOutcome = 'set' | 'user_not_found' | 'redefined' | 'too_many_attributes';

export async function insertDef(db: Database, def: AttributeDef): Promise<boolean> {
  const inserted = await db
    .insert(attributeDefs)
    .values(def)
    .onConflictDoNothing()
    .returning({ key: attributeDefs.key });
  return inserted.length > 0;
}

export async function findDef(db: Database, key: string): Promise<AttributeDef | null> {
  const [def] = await findDefs(db, [key]);
  return def ?? null;
}

/** The definitions of these keys, in no order. */
export async function findDefs(db: Database, keys: readonly string[]): Promise<AttributeDef[]> {
  return db
    .select()
    .from(attributeDefs)
    .where(inArray(attributeDefs.key, sql`(SELECT value FROM json_each(${JSON.stringify(keys)}))`));
}

export async function listDefs(db: Database): Promise<AttributeDef[]> {
  return db.select().from(attributeDefs).orderBy(asc(attributeDefs.key));
}

/** Returns whether there was one. */
export async function deleteDef(db: Database, key: string): Promise<boolean> {
  const deleted = await db
    .delete(attributeDefs)
    .where(eq(attributeDefs.key, key))
    .returning({ key: attributeDefs.key });
  return deleted.length > 0;
}

const named = (userId: string): SQL => sql`${eq(users.userId, userId)} AND ${isNull(users.erasedAt)}`;

/** Attributes of a user by key, those of `keys` or all; null where there is no such user. */
export async function findAttributes(
  db: Database,
  userId: string,
  keys: readonly string[] | '*',
): Promise<Attribute[] | null> {
  const { uid, key, contentType, contentEncoding, value } = profileAttributes;
  const wanted =
    keys === '*' ? undefined : inArray(key, sql`(SELECT value FROM json_each(${JSON.stringify(keys)}))`);
  const rows = await db
    .select({ attribute: { key, contentType, contentEncoding, value } })
    .from(users)
    .leftJoin(profileAttributes, and(eq(uid, users.id), wanted))
    .where(named(userId))
    .orderBy(asc(key));
  if (rows.length === 0) return null;
  return rows.flatMap(({ attribute }) => attribute ?? []);
}

/**
 * Sets all of these attributes or none; each key comes once. One statement, which also checks that the user and the
 * definitions are still there and that the profile has at most `most` attributes.
 */
export async function upsertAttributes(
  db: Database,
  userId: string,
  attributes: readonly DefinedAttribute[],
  most: number,
  writtenBy: WrittenBy,
): Promise<SetOutcome> {
  // On the word of a bare `userId` only while that is enough to sign in.
  const standing = writtenBy === 'bare' ? sql`${named(userId)} AND ${users.entry} = 'open'` : named(userId);
  const asked = sql`json_each(${JSON.stringify(attributes.map(toTuple))})`;
  const member = (index: number) => sql.raw(`json_extract("asked"."value", '$[${index}]')`);
  const allDefined = sql`NOT EXISTS (SELECT 1 FROM ${asked} AS "asked" WHERE NOT EXISTS (
    SELECT 1 FROM ${attributeDefs}
    WHERE ${attributeDefs.key} = ${member(0)} AND ${attributeDefs.createdAt} = ${member(4)}))`;
  const keysAfter = sql`SELECT "key" FROM ${profileAttributes} WHERE ${profileAttributes.uid} = ${users.id}
    UNION SELECT ${member(0)} FROM ${asked} AS "asked"`;
  const fits = sql`(SELECT count(*) FROM (${keysAfter})) <= ${most}`;
  const [set, [facts]] = await db.batch([
    db
      .insert(profileAttributes)
      .select(
        sql`SELECT ${users.id}, ${member(0)}, ${member(1)}, ${member(2)}, ${member(3)}, ${writtenBy}
          FROM ${asked} AS "asked", ${users} WHERE ${standing} AND ${allDefined} AND ${fits}`,
      )
      .onConflictDoUpdate({
        target: [profileAttributes.uid, profileAttributes.key],
        set: {
          contentType: sql`excluded."contentType"`,
          contentEncoding: sql`excluded."contentEncoding"`,
          value: sql`excluded."value"`,
          writtenBy,
        },
      })
      .returning({ key: profileAttributes.key }),
    db
      .select({
        known: sql<number>`EXISTS (SELECT 1 FROM ${users} WHERE ${standing})`,
        defined: sql<number>`${allDefined}`,
      })
      .from(sql`(SELECT 1)`),
  ]);
  if (set.length > 0) return 'set';
  if (!facts?.known) return 'user_not_found';
  return facts.defined ? 'too_many_attributes' : 'redefined';
}

/** As one parameter, because D1 takes at most a hundred in a statement. */
function toTuple({ key, contentType, contentEncoding, value, definedAt }: DefinedAttribute) {
  return [key, contentType, contentEncoding, value, definedAt];
}

/** Whether there is such a user, and whether they had such an attribute. */
export async function deleteAttribute(
  db: Database,
  userId: string,
  key: string,
): Promise<{ known: boolean; deleted: boolean }> {
  const [deleted, [user]] = await db.batch([
    db
      .delete(profileAttributes)
      .where(
        and(
          eq(profileAttributes.uid, sql`(SELECT ${users.id} FROM ${users} WHERE ${named(userId)})`),
          eq(profileAttributes.key, key),
        ),
      )
      .returning({ key: profileAttributes.key }),
    db.select({ id: users.id }).from(users).where(named(userId)),
  ]);
  return { known: user !== undefined, deleted: deleted.length > 0 };
}

export type AttributeRow = typeof profileAttributes.$inferSelect;

/** Which attributes of a profile are wanted: all, these, or none. */
export type WantedAttributes = '*' | readonly string[] | null;

export type Attribute = Omit<AttributeRow, 'uid' | 'writtenBy'>;
