import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * Every object under `uploads/` in R2 has a row here first, so that what a crash leaves behind is found by its row.
 * `reserved`: still arriving; `stored`: there; `kept`: there, and a photo refers to it; `deleted`: gone for everybody,
 * and counted until its day is over.
 */
export const uploads = sqliteTable(
  'uploads',
  {
    id: text().primaryKey(),
    /** 0 of what a user left behind who has been erased meanwhile. */
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
