import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The attributes that profiles may have, and the form of their values. */
export const attributeDefs = sqliteTable('attributeDefs', {
  key: text().primaryKey(),
  allowedContentTypes: text({ mode: 'json' }).$type<string[]>().notNull(),
  allowedContentEncodings: text({ mode: 'json' }).$type<string[]>().notNull(),
  canBeEmpty: integer({ mode: 'boolean' }).notNull(),
  createdAt: integer().notNull(),
});

/** The values of a user's profile. */
export const profileAttributes = sqliteTable(
  'profileAttributes',
  {
    uid: integer().notNull(),
    key: text().notNull(),
    contentType: text().notNull(),
    contentEncoding: text().notNull(),
    value: text().notNull(),
  },
  table => [primaryKey({ columns: [table.uid, table.key] })],
);
