import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * What outlives erasure, as keyed hashes: names that are never issued again, and what a ban goes on refusing. `hash`
 * is of the kind and the value, `owner` of the erased `userId`, by which a ban can still be lifted.
 */
export const retiredNames = sqliteTable(
  'retiredNames',
  {
    hash: text().notNull(),
    /** `name`: not issued; `ban`: refused. Both until `until`; null: a name for good, a ban until it is lifted. */
    kind: text({ enum: ['name', 'ban'] }).notNull(),
    owner: text().notNull(),
    until: integer(),
  },
  table => [
    primaryKey({ columns: [table.hash, table.kind] }),
    index('retiredNames_byOwner').on(table.owner, table.kind),
  ],
);

/**
 * Who has ever owned a wallet: a row for every attachment, which outlives detachment and erasure. So a bar on a person
 * follows the wallet to its next owner. `walletHash` is a keyed hash of chain and address; `uid` is never issued again.
 */
export const walletOwners = sqliteTable(
  'walletOwners',
  {
    walletHash: text().notNull(),
    uid: integer().notNull(),
    /** The locator that stands for it; it is gone once they hold the wallet no more. */
    userLocatorId: text().notNull(),
  },
  table => [
    primaryKey({ columns: [table.walletHash, table.uid] }),
    index('walletOwners_byUser').on(table.uid),
  ],
);
