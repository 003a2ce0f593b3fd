import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** An API key works as long as its row is there. Its secret is derived and never stored. */
export const keys = sqliteTable('keys', {
  id: text().primaryKey(),
  kind: text({ enum: ['pk', 'sk'] }).notNull(),
  name: text().notNull(),
  createdAt: integer().notNull(),
  lastUsedAt: integer(),
  /** Of the master secret it is derived from. Null until a key of an earlier release is used again. */
  version: integer(),
});
