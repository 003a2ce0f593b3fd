import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * Every object under `uploads/` in R2 has a row here first, so that the row leads to what a crash leaves behind.
 * `reserved`: still arriving. `stored`: complete. `kept`: complete, and a photo refers to it. `deleted`: no longer
 * served, and counted until its day is over.
 */
export const uploads = sqliteTable(
  'uploads',
  {
    id: text().primaryKey(),
    /** 0 when the user has been erased since. */
    uid: integer().notNull(),
    /** The extension of its name, such as `png`. */
    fileType: text().notNull(),
    contentType: text().notNull(),
    /** In bytes. */
    fileSize: integer().notNull(),
    /** From the header of an image, else 100. */
    previewWidth: integer().notNull().default(100),
    previewHeight: integer().notNull().default(100),
    state: text({ enum: ['reserved', 'stored', 'kept', 'deleted'] }).notNull(),
    createdAt: integer().notNull(),
  },
  table => [
    index('uploads_byUser').on(table.uid, table.createdAt),
    index('uploads_loose').on(table.createdAt).where(sql`${table.state} <> 'kept'`),
  ],
);

/**
 * Ids that clients chose, from the reservation on. Once its upload is gone, an id is refused to other users while browsers may
 * still keep the bytes. `hash` is a keyed hash of 16 bytes.
 */
export const uploadIds = sqliteTable(
  'uploadIds',
  {
    hash: text().primaryKey(),
    /** Who may use the id again; 0 where they are erased. */
    uid: integer().notNull(),
    /** The id itself, while the upload is there. */
    uploadId: text(),
    /** Until when the id is refused to others; null while the upload is there. */
    until: integer(),
  },
  table => [
    index('uploadIds_byUser').on(table.uid),
    index('uploadIds_byUpload').on(table.uploadId),
    index('uploadIds_byEnd').on(table.until),
  ],
);
