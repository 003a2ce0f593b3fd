import { and, asc, eq, gt, inArray, lte, ne, or, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../platform/database.ts';
import type { WithChange } from '../users/change-store.ts';
import type { UploadName } from './rules.ts';
import { uploadIds, uploads } from './table.ts';

export type UploadRow = typeof uploads.$inferSelect;

/** Stands for the erased user whose upload was still arriving. */
const NO_USER = 0;

/** D1 binds at most 100 parameters. */
const IDS_AT_ONCE = 90;

/** Literal text, because a partial index cannot serve a query that binds its condition as a parameter. */
const LOOSE = sql`${uploads.state} <> 'kept'`;

const isThere = inArray(uploads.state, ['stored', 'kept']);

/**
 * Keeps a place for an upload if its bytes still fit into what the user may upload since `since`. One statement, so that
 * parallel uploads cannot exceed the limit together. `exists` where the id is taken, by any user.
 */
export async function insertReserved(
  db: Database,
  row: Omit<UploadRow, 'state'>,
  quota: { bytes: number; since: number; uploads: number },
  hashes: readonly string[],
): Promise<'reserved' | 'exists' | 'no room' | 'too many'> {
  const { id, uid, fileType, contentType, fileSize, previewWidth, previewHeight, createdAt } = row;
  const used = db
    .select({ bytes: sql`coalesce(sum(${uploads.fileSize}), 0)` })
    .from(uploads)
    .where(and(eq(uploads.uid, uid), gt(uploads.createdAt, quota.since)));
  const count = db.select({ count: sql<number>`count(*)` }).from(uploads).where(eq(uploads.uid, uid));
  const retired = isRetired(hashes, uid, createdAt);
  const [inserted, [taken], [owned]] = await db.batch([
    db
      .insert(uploads)
      .select(
        sql`SELECT ${id}, ${uid}, ${fileType}, ${contentType}, ${fileSize}, ${previewWidth}, ${previewHeight},
          'reserved', ${createdAt}
          WHERE ${used} + ${fileSize} <= ${quota.bytes} AND ${count} < ${quota.uploads} AND NOT ${retired}`,
      )
      .onConflictDoNothing()
      .returning({ id: uploads.id }),
    db
      .select({ isTaken: sql<number>`EXISTS (SELECT 1 FROM uploads WHERE id = ${id}) OR ${retired}` })
      .from(sql`(SELECT 1)`),
    count,
    ...notingId(db, row, hashes),
  ]);
  if (inserted.length > 0) return 'reserved';
  if (taken?.isTaken) return 'exists';
  return (owned?.count ?? 0) >= quota.uploads ? 'too many' : 'no room';
}

/** The statement that notes an id which the client chose, where its place was kept; `hashes` are empty for other ids. */
function notingId(db: Database, { id, uid }: Pick<UploadRow, 'id' | 'uid'>, [newest]: readonly string[]) {
  if (newest === undefined) return [];
  const isReserved = sql`EXISTS (SELECT 1 FROM uploads WHERE id = ${id} AND uid = ${uid} AND state = 'reserved')`;
  return [
    db
      .insert(uploadIds)
      .select(sql`SELECT ${newest}, ${uid}, ${id}, NULL WHERE ${isReserved}`)
      .onConflictDoUpdate({ target: uploadIds.hash, set: { uid, uploadId: id, until: null } }),
  ];
}

/** Whether one of these hashes is of an id that belonged to another user until lately. */
function isRetired(hashes: readonly string[], uid: number, now: number): SQL {
  const { hash, uid: owner, until } = uploadIds;
  return sql`EXISTS (SELECT 1 FROM ${uploadIds} WHERE ${hash} IN (SELECT value FROM json_each(${JSON.stringify(hashes)}))
    AND ${owner} <> ${uid} AND ${until} > ${now})`;
}

/** The upload has arrived. Returns whether the place was still this user's. */
export async function markStored(db: Database, uid: number, id: string): Promise<boolean> {
  const marked = await db
    .update(uploads)
    .set({ state: 'stored' })
    .where(and(eq(uploads.id, id), eq(uploads.uid, uid), eq(uploads.state, 'reserved')))
    .returning({ id: uploads.id });
  return marked.length > 0;
}

/** The upload did not arrive and nothing of it is left. Its place is free again. */
export async function deleteReserved(db: Database, id: string, refusedUntil: number): Promise<void> {
  await db.batch([
    retiring(db, [id], refusedUntil),
    db.delete(uploads).where(and(eq(uploads.id, id), eq(uploads.state, 'reserved'))),
  ]);
}

/** The statement by which ids that clients chose outlive their uploads. */
const retiring = (db: Database, ids: readonly string[], until: number) =>
  db
    .update(uploadIds)
    .set({ until, uploadId: null })
    .where(inArray(uploadIds.uploadId, [...ids]));

export async function findNamed(db: Database, { id, fileType }: UploadName): Promise<UploadRow | null> {
  const row = await db
    .select()
    .from(uploads)
    .where(and(eq(uploads.id, id), eq(uploads.fileType, fileType), isThere))
    .get();
  return row ?? null;
}

export async function findOwn(db: Database, uid: number, id: string): Promise<UploadRow | null> {
  const row = await db
    .select()
    .from(uploads)
    .where(and(eq(uploads.id, id), eq(uploads.uid, uid), isThere))
    .get();
  return row ?? null;
}

const isOwn = (uid: number, id: string) => and(eq(uploads.id, id), eq(uploads.uid, uid), isThere);

/** The statement that keeps an upload from the sweeper, because a photo of its user refers to it now. */
export function keepingUpload(uid: number, id: string): WithChange {
  const isPhoto = sql`EXISTS (SELECT 1 FROM photos WHERE "id" = ${id} AND "uid" = ${uid})`;
  return db => [
    db
      .update(uploads)
      .set({ state: 'kept' })
      .where(and(isOwn(uid, id), isPhoto)),
  ];
}

/** The statement after which an upload of this user is no longer served. Its bytes are deleted next. */
export function discardingUpload(uid: number, id: string): WithChange {
  return db => [db.update(uploads).set({ state: 'deleted' }).where(isOwn(uid, id))];
}

/** The condition that an upload of this user is there, for a statement in the same batch. */
export const isOwnUpload = (uid: number, id: string): SQL =>
  sql`EXISTS (SELECT 1 FROM ${uploads} WHERE ${isOwn(uid, id)})`;

/** Uploads of this user that are still arriving belong to no user from now on. */
export async function disownReserved(db: Database, uid: number): Promise<void> {
  await db
    .update(uploads)
    .set({ uid: NO_USER })
    .where(and(eq(uploads.uid, uid), eq(uploads.state, 'reserved')));
}

/** Some of the uploads of a user that are not still arriving. */
export async function listArrived(db: Database, uid: number, limit: number): Promise<UploadRow[]> {
  return db
    .select()
    .from(uploads)
    .where(and(eq(uploads.uid, uid), ne(uploads.state, 'reserved')))
    .limit(limit);
}

/**
 * Claims uploads that no photo refers to: stored at `storedUntil` or before, or reserved at `reservedUntil` or before. They
 * are no longer served. Returns them, and those claimed at `storedUntil` or before, which no longer count.
 */
export async function claimLoose(
  db: Database,
  { storedUntil, reservedUntil }: { storedUntil: number; reservedUntil: number },
  limit: number,
): Promise<{ claimed: UploadRow[]; over: UploadRow[] }> {
  const due = or(
    and(eq(uploads.state, 'stored'), lte(uploads.createdAt, storedUntil)),
    and(eq(uploads.state, 'reserved'), lte(uploads.createdAt, reservedUntil)),
  );
  const loose = db
    .select({ id: uploads.id })
    .from(uploads)
    .where(and(LOOSE, lte(uploads.createdAt, reservedUntil), due))
    .orderBy(asc(uploads.createdAt))
    .limit(limit);
  const [claimed, over] = await db.batch([
    db.update(uploads).set({ state: 'deleted' }).where(inArray(uploads.id, loose)).returning(),
    db
      .select()
      .from(uploads)
      .where(and(LOOSE, lte(uploads.createdAt, storedUntil), eq(uploads.state, 'deleted')))
      .orderBy(asc(uploads.createdAt))
      .limit(limit),
  ]);
  return { claimed, over };
}

/** Forgets uploads whose bytes are gone. An id that its client chose is refused to others until `refusedUntil`. */
export async function deleteRows(
  db: Database,
  rows: readonly Pick<UploadRow, 'id'>[],
  refusedUntil: number,
): Promise<void> {
  for (let from = 0; from < rows.length; from += IDS_AT_ONCE) {
    const ids = rows.slice(from, from + IDS_AT_ONCE).map(({ id }) => id);
    await db.batch([
      retiring(db, ids, refusedUntil),
      db.delete(uploads).where(and(inArray(uploads.id, ids), ne(uploads.state, 'reserved'))),
    ]);
  }
}

/** Retired ids of a user who is erased belong to no user from now on. */
export async function disownRetired(db: Database, uid: number): Promise<void> {
  await db.update(uploadIds).set({ uid: NO_USER }).where(eq(uploadIds.uid, uid));
}

/** Forgets retired ids whose time is over. Returns how many. */
export async function deleteLapsedIds(db: Database, now: number): Promise<number> {
  const { meta } = await db.delete(uploadIds).where(lte(uploadIds.until, now)).run();
  return meta.changes;
}
