import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * Names that outlive an erasure, as keyed hashes: names that are not issued again, and names that a ban still refuses.
 * `hash` is of the kind and the value. `owner` is of the erased `userId`, by which a ban can still be lifted.
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
    index('retiredNames_byEnd').on(table.until),
  ],
);

/**
 * Every owner a wallet ever had: a row for every attachment, which outlives detachment and erasure. So a bar on a person
 * follows the wallet to its next owner. `walletHash` is a keyed hash of chain and address. `uid` is never issued again.
 */
export const walletOwners = sqliteTable(
  'walletOwners',
  {
    walletHash: text().notNull(),
    uid: integer().notNull(),
    /** The locator of the wallet. It is gone when the user no longer holds the wallet. */
    userLocatorId: text().notNull(),
  },
  table => [
    primaryKey({ columns: [table.walletHash, table.uid] }),
    index('walletOwners_byUser').on(table.uid),
  ],
);
