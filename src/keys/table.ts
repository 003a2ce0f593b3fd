import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** An API key stands while its row stands. The secret is derived, never stored. */
export const keys = sqliteTable('keys', {
  id: text().primaryKey(),
  kind: text({ enum: ['pk', 'sk'] }).notNull(),
  name: text().notNull(),
  createdAt: integer().notNull(),
  lastUsedAt: integer(),
});
