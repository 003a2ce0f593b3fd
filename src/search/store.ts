import { and, asc, eq, gt, gte, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import type { Photo } from '../users/contract.ts';
import { users } from '../users/table.ts';

/** What others may be shown of a user who was found. */
export interface FoundUser {
  id: number;
  displayName: string | null;
  username: string | null;
  description: string | null;
  /** Epoch ms. */
  lastSeenAt: number | null;
  /** The oldest first. */
  photos: Photo[];
}

/** Users in order, and after whom to go on; `next` null: there are no more. */
export interface Found<Place> {
  users: FoundUser[];
  next: Place | null;
}

/**
 * How many candidates are looked at for a page: users with every piece of a text in their names, perhaps not in a row. This
 * bounds the cost of a page for every text. So a page may be short, even empty, and have a next page.
 */
const LOOKED_AT = 500;

/** How many pieces of a text are looked up. FTS5 reads all users of each piece, so only the rarest are used. */
const PIECES = 3;

/** A piece is rare when the user this many places after its first one has a much higher id. */
const SAMPLE = 32;

/**
 * Users with this text somewhere in their name or username, without regard to case; ordered by id. The text: 3 Unicode
 * characters or more, NFC. `onlyNamed`: only those who have a username. One trip.
 */
export async function searchUsers(
  db: Database,
  text: string,
  { afterId = 0, limit, onlyNamed }: { afterId?: number; limit: number; onlyNamed: boolean },
): Promise<Found<number>> {
  // FTS5 ends a query at U+0000, and no name has one.
  if (text.includes('\0')) return { users: [], next: null };
  const looked = await lookFor(db, text, afterId, limit + 1, onlyNamed);
  const page = looked.slice(0, limit);
  // On a short page, the last one may only mark where the search stopped.
  const goesOn = looked.length > limit || looked.at(-1)?.nth === LOOKED_AT;
  return {
    users: page
      .filter(user => contains(user.username, text) || contains(user.displayName, text))
      .map(toFound),
    next: goesOn ? (page.at(-1)?.id ?? null) : null,
  };
}

/** Users whose username begins with these two characters, without regard to case; ordered by it. One trip. */
export async function findByUsernamePrefix(
  db: Database,
  twoCharacters: string,
  { afterUsername = '', limit }: { afterUsername?: string; limit: number },
): Promise<Found<string>> {
  const username = sql<string>`lower(${users.username})`;
  const prefix = twoCharacters.toLowerCase();
  // One lower bound only. With two, the index could begin at either.
  const start = afterUsername > prefix ? gt(username, afterUsername) : gte(username, prefix);
  const rows = await db
    .select({ ...PUBLIC, place: username.as('place') })
    .from(users)
    .where(and(start, lt(username, `${prefix}\u{10ffff}`), isNull(users.erasedAt)))
    .orderBy(asc(username))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  return { users: page.map(toFound), next: rows.length > limit ? (page.at(-1)?.place ?? null) : null };
}

const PUBLIC = {
  id: users.id,
  displayName: users.displayName,
  username: users.username,
  description: users.description,
  lastSeenAt: users.lastSeenAt,
  photos: sql`(
    SELECT json_group_array(json_object(
      'id', "id", 'fileType', "fileType", 'fileSize', "fileSize",
      'previewWidth', "previewWidth", 'previewHeight', "previewHeight", 'createdAt', "createdAt"
    ))
    FROM (SELECT * FROM "photos" WHERE "photos"."uid" = "users"."id" ORDER BY "createdAt", "id")
  )`
    .mapWith((json: string): Photo[] => JSON.parse(json))
    .as('photos'),
};

const toFound = ({ id, displayName, username, description, lastSeenAt, photos }: FoundUser): FoundUser => ({
  id,
  displayName,
  username,
  description,
  lastSeenAt,
  photos,
});

/**
 * Up to `limit` users, in order of ids, with every piece of the text in their names, and in a row as far as SQL can tell.
 * The last candidate is always among them, because it marks where the search stopped.
 */
function lookFor(db: Database, text: string, afterId: number, limit: number, onlyNamed: boolean) {
  const index = sql.identifier(onlyNamed ? 'namedSearch' : 'userSearch');
  // D1 binds numbers as REAL. For a REAL, FTS5 would read the index from its beginning.
  const having = (pieces: SQL) =>
    sql`FROM ${index} WHERE ${index} MATCH ${pieces} AND "rowid" > CAST(${afterId} AS INTEGER) ORDER BY "rowid"`;
  const rarest = sql`(
    SELECT group_concat("value", ' AND ') FROM (
      SELECT "value" FROM json_each(${JSON.stringify(piecesOf(text))})
      ORDER BY (SELECT "rowid" ${having(sql`"value"`)} LIMIT 1 OFFSET ${SAMPLE - 1}) DESC NULLS FIRST
      LIMIT ${PIECES}
    )
  )`;
  const looked = sql`(
    SELECT "rowid" AS "uid", row_number() OVER (ORDER BY "rowid") AS "nth" ${having(rarest)} LIMIT ${LOOKED_AT}
  ) AS "looked"`;
  const part = asciiPart(text);
  const inARow = or(
    sql`instr(lower(${users.username}), ${part})`,
    sql`instr(lower(${users.displayName}), ${part})`,
    sql`"nth" = ${LOOKED_AT}`,
  );
  // A cross join is not reordered: users keep their order, and none comes after the last one asked for.
  return db
    .select({ ...PUBLIC, nth: sql<number>`"nth"`.as('nth') })
    .from(looked)
    .crossJoin(users)
    .where(and(eq(users.id, sql`"looked"."uid"`), inARow))
    .limit(limit);
}

/**
 * The text cut into pieces of three characters, the last overlapping, each once, and quoted: no character of them is an
 * operator.
 */
function piecesOf(text: string): string[] {
  const characters = [...text];
  const starts = characters.flatMap((_, at) => (at % 3 === 0 ? [Math.min(at, characters.length - 3)] : []));
  const pieces = starts.map(at => characters.slice(at, at + 3).join(''));
  const distinct = new Map(pieces.map(piece => [piece.toLowerCase(), piece]));
  return [...distinct.values()].map(piece => `"${piece.replaceAll('"', '""')}"`);
}

/** The longest part that SQL can lower: it knows only the letters of ASCII. */
function asciiPart(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
  const parts = text.match(/[\x00-\x7f]+/g) ?? [''];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest)).toLowerCase();
}

const contains = (name: string | null, text: string) => name !== null && fold(name).includes(fold(text));

/** Folded both ways, so that letters with two lower forms match. */
const fold = (text: string) => text.toLowerCase().toUpperCase();
