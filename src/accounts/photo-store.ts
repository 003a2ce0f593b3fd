import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { WithChange } from '../users/change-store.ts';
import type { PhotoRow } from '../users/store.ts';
import { photos } from '../users/table.ts';

export const MOST_PHOTOS = 100;

/** The statement that adds a picture, where its upload is there and the user has room for one more. */
export function insertPhoto(photo: PhotoRow, isThere: SQL): WithChange {
  const { id, uid, fileType, fileSize, previewWidth, previewHeight, createdAt } = photo;
  return db => [
    db
      .insert(photos)
      .select(
        sql`SELECT ${id}, ${uid}, ${fileType}, ${fileSize}, ${previewWidth}, ${previewHeight}, ${createdAt}
          WHERE ${isThere} AND (SELECT count(*) FROM photos WHERE "uid" = ${uid}) < ${MOST_PHOTOS}`,
      )
      .onConflictDoNothing(),
  ];
}

/** The statement that removes a picture of a user. */
export function deletePhoto(uid: number, id: string): WithChange {
  return db => [db.delete(photos).where(and(eq(photos.uid, uid), eq(photos.id, id)))];
}
