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
    /** A value of `bare` goes when its user closes (a trigger on `users`). Null: written before this was kept. */
    writtenBy: text({ enum: ['bare', 'proven', 'system'] }),
  },
  table => [primaryKey({ columns: [table.uid, table.key] })],
);
