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
