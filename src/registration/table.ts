import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** A code that lets somebody make a user where `REGISTRATION` asks for one. Only a hash of it is kept. */
export const registrationCodes = sqliteTable(
  'registrationCodes',
  {
    id: text().primaryKey(),
    codeHash: text().notNull().unique(),
    /** How many users it can make in all, and how many it can make still. */
    uses: integer().notNull(),
    usesLeft: integer().notNull(),
    createdAt: integer().notNull(),
    /** Epoch ms; null: until it is revoked. */
    expiresAt: integer(),
  },
  table => [index('registrationCodes_byTime').on(table.createdAt)],
);
