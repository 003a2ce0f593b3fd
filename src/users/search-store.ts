import { and, asc, eq, gt, gte, isNull, lt, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db.ts';
import type { Photo } from './contract.ts';
import { users } from './table.ts';

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
 * How many users who have every piece of a text in their names, though perhaps not in a row, are looked at for a page. It
 * bounds what a page costs whatever the text and the names are: a page may be short, even empty, and have a next.
 */
const LOOKED_AT = 500;

/** How many pieces of a text are looked up: FTS5 steps through all users of each, so the rarest have to do. */
const PIECES = 3;

/** How rare a piece is, is told by how far on the user stands who is this many after the first to have it. */
const SAMPLE = 32;

/**
 * Users with this text somewhere in their name or username, without regard to case; ordered by id. The text: 3 Unicode
 * characters or more, NFC, without control characters. `onlyNamed`: only those who have a username. One trip.
 */
export async function searchUsers(
  db: Database,
  text: string,
  { afterId = 0, limit, onlyNamed }: { afterId?: number; limit: number; onlyNamed: boolean },
): Promise<Found<number>> {
  const named = lookFor(db, text, afterId, limit + 1, 'named');
  const looked = onlyNamed
    ? await named
    : (await db.batch([named, lookFor(db, text, afterId, limit + 1, 'nameless')])).flat();
  looked.sort((a, b) => a.id - b.id);
  // Where the look at one kind ended early, nothing is known of whoever comes after.
  const end = looked.find(({ isEnd }) => isEnd)?.id ?? null;
  const rows = looked.filter(({ id, isEnd }) => !isEnd && (end === null || id <= end));
  const page = rows.slice(0, limit);
  return {
    users: page
      .filter(user => contains(user.username, text) || contains(user.displayName, text))
      .map(toFound),
    next: rows.length > limit ? (page.at(-1)?.id ?? null) : end,
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
  // One lower bound: of two, the index would begin at either.
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
 * Up to `limit` users of a kind, in order of ids: whose names have every piece of the text, and the longest part of it
 * that SQL can compare. Where `LOOKED_AT` were looked at before that, the last of them follows, as the `isEnd`.
 */
function lookFor(db: Database, text: string, afterId: number, limit: number, kind: 'named' | 'nameless') {
  // D1 binds numbers as REAL, for which FTS5 would read the index from its beginning.
  const after = sql`CAST(${afterId} AS INTEGER)`;
  const [beyond, order] =
    kind === 'named' ? [sql`> ${after}`, sql`"place"`] : [sql`< -${after}`, sql`"place" DESC`];
  const having = (pieces: SQL) => sql`
    SELECT "rowid" AS "place" FROM "userSearch"
    WHERE "userSearch" MATCH ${pieces} AND "rowid" ${beyond} ORDER BY ${order}`;
  const rarest = sql`(
    SELECT group_concat("value", ' AND ') FROM (
      SELECT "value" FROM json_each(${JSON.stringify(piecesOf(text))})
      ORDER BY (SELECT abs("place") FROM (${having(sql`"value"`)} LIMIT 1 OFFSET ${SAMPLE - 1})) DESC NULLS FIRST
      LIMIT ${PIECES}
    )
  )`;
  const looked = having(rarest);
  const part = asciiPart(text);
  // Nothing is read beyond the last one found, and the end is sought only where too few were.
  const found = sql`(
    SELECT * FROM (
      SELECT "users"."id", 0 AS "isEnd"
      FROM (${looked} LIMIT ${LOOKED_AT}) CROSS JOIN "users" ON "users"."id" = abs("place")
      WHERE instr(lower("username"), ${part}) OR instr(lower("displayName"), ${part})
      ORDER BY ${order} LIMIT ${limit}
    )
    UNION ALL
    SELECT * FROM (SELECT abs("place"), 1 FROM (${looked} LIMIT 1 OFFSET ${LOOKED_AT - 1}))
    LIMIT ${limit}
  ) AS "found"`;
  return db
    .select({ ...PUBLIC, isEnd: sql<number>`"isEnd"`.as('isEnd') })
    .from(found)
    .innerJoin(users, eq(users.id, sql`"found"."id"`));
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

/** The longest part SQL can lower: it knows the letters of ASCII alone. */
function asciiPart(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
  const parts = text.match(/[\x00-\x7f]+/g) ?? [''];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest)).toLowerCase();
}

const contains = (name: string | null, text: string) => name !== null && fold(name).includes(fold(text));

/** Both ways, so that letters with two lower forms meet. */
const fold = (text: string) => text.toLowerCase().toUpperCase();
