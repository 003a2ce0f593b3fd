import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** The members that a user or a secret key writes, and others are shown. */
export type ShownMember = 'displayName' | 'profileHandle' | 'description' | 'avatarCustomUrl' | 'metadata';

/** The user record. `id` names everything stored about a user and is never reused; `userId` is its public name. */
export const users = sqliteTable(
  'users',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: text().notNull().unique(),
    /** As its owner typed it. It is compared in lower case. Only users with a password have one. */
    username: text(),
    /** `open`: the `userId` alone is enough to sign in on the SDK surface, in open mode. A closed user stays closed. */
    entry: text({ enum: ['open', 'closed'] }).notNull(),
    displayName: text(),
    profileHandle: text(),
    description: text(),
    avatarCustomUrl: text(),
    metadata: text({ mode: 'json' }).$type<Record<string, unknown>>(),
    /** Which of the members above were last written on the word of a bare `userId`: they go when the entry closes. */
    bareMembers: text({ mode: 'json' }).$type<ShownMember[]>().notNull().default(sql`'[]'`),
    isBrand: integer({ mode: 'boolean' }).notNull().default(false),
    /** For display: the user's object decides. `bannedUntil` null while `bannedAt` is set: until lifted. */
    bannedAt: integer(),
    bannedUntil: integer(),
    /** Raised in the same batch by whatever changes the record; the user's object refuses an older copy. */
    version: integer().notNull().default(1),
    /** The version the user's object is known to hold. Trails `version`; the cron trigger repairs what lags. */
    copiedVersion: integer().notNull().default(0),
    /** Raised by whatever makes an earlier sign-in worthless: a new password, the closing of an open entry. */
    credentialVersion: integer().notNull().default(1),
    /** The device session that gave the latest password: it outlives the change that ends the others. */
    keptSid: text(),
    /** When the account key was set; null: there is none. */
    accountKeySetAt: integer(),
    /** When they last used a device session, noted at most every ten minutes; no part of the record's version. */
    lastSeenAt: integer(),
    /** When the erasure began: from then on no sign-in leads to this user, and everything of theirs is deleted. */
    erasedAt: integer(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
  },
  table => [
    index('users_lagging').on(table.id).where(sql`${table.copiedVersion} < ${table.version}`),
    index('users_erased').on(table.id).where(sql`${table.erasedAt} IS NOT NULL`),
    uniqueIndex('users_username').on(sql`lower(${table.username})`),
  ],
);

/** What proves a user: hashes in the PHC string format. */
export const credentials = sqliteTable('credentials', {
  uid: integer().primaryKey(),
  passwordHash: text().notNull(),
  /** Restores the account where the password is lost. */
  accountKeyHash: text(),
  updatedAt: integer().notNull(),
});

/** Pictures of a user, each an upload of theirs; the newest is the avatar. */
export const photos = sqliteTable(
  'photos',
  {
    /** Of the upload. */
    id: text().primaryKey(),
    uid: integer().notNull(),
    /** An extension, such as `png`. */
    fileType: text().notNull(),
    fileSize: integer().notNull(),
    previewWidth: integer().notNull(),
    previewHeight: integer().notNull(),
    createdAt: integer().notNull(),
  },
  table => [index('photos_byUser').on(table.uid, table.createdAt)],
);

export const roles = sqliteTable('roles', {
  roleId: text().primaryKey(),
  displayName: text(),
  permissions: text({ mode: 'json' }).$type<string[]>().notNull(),
  createdAt: integer().notNull(),
  updatedAt: integer().notNull(),
});

export const userRoles = sqliteTable(
  'userRoles',
  {
    uid: integer().notNull(),
    roleId: text().notNull(),
  },
  table => [primaryKey({ columns: [table.uid, table.roleId] }), index('userRoles_byRole').on(table.roleId)],
);

/**
 * What users are found by. `reserved`: proven (wallets) or set by a secret key, so it is unique and found. A locator that
 * a user only claims reserves nothing, so it keeps no address from its owner.
 */
export const locators = sqliteTable(
  'locators',
  {
    userLocatorId: text().primaryKey(),
    uid: integer().notNull(),
    type: text({ enum: ['email', 'tele', 'wallet'] }).notNull(),
    /** Normalised: what is one address to people is one text here. Of wallets and e-mails, lower-case. */
    value: text().notNull(),
    /** Of contract wallets, which are another wallet on every chain; 0 of what no chain has a say in. */
    chainId: integer().notNull().default(0),
    reserved: integer({ mode: 'boolean' }).notNull(),
    verificationStatus: text({
      enum: [
        'Verified',
        'Unverified',
        'StatusNotProvided',
        'VerificationPending',
        'VerificationNotApplicable',
      ],
    }).notNull(),
    createdAt: integer().notNull(),
  },
  table => [
    uniqueIndex('locators_reserved')
      .on(table.type, table.value, table.chainId)
      .where(sql`${table.reserved} = 1`),
    index('locators_byUser').on(table.uid, table.type, table.value),
  ],
);
