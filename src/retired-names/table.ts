import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What outlives erasure, as keyed hashes: names that are never issued again, and what a ban goes on refusing. `hash`
 * is of the kind and the value, `owner` of the erased `userId`, by which a ban can still be lifted.
 */
export const retiredNames = sqliteTable(
  'retiredNames',
  {
    hash: text().notNull(),
    /** `name`: never issued again; `ban`: refused until `until` (null: until lifted). */
    kind: text({ enum: ['name', 'ban'] }).notNull(),
    owner: text().notNull(),
    until: integer(),
  },
  table => [
    primaryKey({ columns: [table.hash, table.kind] }),
    index('retiredNames_byOwner').on(table.owner, table.kind),
  ],
);
