import { type SQL, sql } from 'drizzle-orm';
import type { WrittenBy } from './contract.ts';
import { type ShownMember, users } from './table.ts';

const SHOWN = [
  'displayName',
  'profileHandle',
  'description',
  'avatarCustomUrl',
  'metadata',
] as const satisfies ShownMember[];

const isBare = (member: ShownMember) =>
  sql`EXISTS (SELECT 1 FROM json_each(${users.bareMembers}) WHERE "value" = ${member})`;

/** What becomes of the members written on the word of a bare `userId` when an open entry closes: nothing stays. */
export function withoutBareMembers(): Record<ShownMember, SQL> & { bareMembers: SQL } {
  const dropped = SHOWN.map(member => {
    const gone = sql`${users.entry} = 'open' AND ${isBare(member)}`;
    return [member, sql`CASE WHEN ${gone} THEN NULL ELSE ${users[member]} END`];
  });
  return { ...Object.fromEntries(dropped), bareMembers: sql`'[]'` };
}

/** Notes by what proof the members of a change were written; nothing where it changes none that is shown. */
export function notedMembers(change: object, writtenBy: WrittenBy): { bareMembers?: SQL } {
  const written = SHOWN.filter(member => member in change);
  if (written.length === 0) return {};
  const others = sql`SELECT "value" FROM json_each(${users.bareMembers})
    WHERE "value" NOT IN (SELECT "value" FROM json_each(${JSON.stringify(written)}))`;
  const bare = sql`SELECT "value" FROM json_each(${JSON.stringify(writtenBy === 'bare' ? written : [])})`;
  return { bareMembers: sql`(SELECT json_group_array("value") FROM (${others} UNION ALL ${bare}))` };
}

/** The members a new user is made with, as what was written on the word of a bare `userId`. */
export const bareMembersOf = (user: Partial<Record<ShownMember, unknown>>): ShownMember[] =>
  SHOWN.filter(member => user[member] != null);
