import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { type Answers, runBatch } from '../platform/batch.ts';
import type { Database } from '../platform/database.ts';
import { isRetired, type KeyedHashes } from '../retired-names/store.ts';
import { type NewLocator, noteWalletOwner, type WithChange } from '../users/change-store.ts';
import type { WrittenBy } from '../users/contract.ts';
import type { LocatorKey, LocatorRow } from '../users/store.ts';
import { locators, users } from '../users/table.ts';

/** A locator as its user and a secret key see it. */
export type UserLocator = Pick<LocatorRow, 'userLocatorId' | 'type' | 'value' | 'verificationStatus'>;

/** The locators of the user whose row the statement reads, the oldest first. */
export const locatorsOf = sql`(
    SELECT json_group_array(json_object('userLocatorId', "userLocatorId", 'type', "type", 'value', "value",
      'verificationStatus', "verificationStatus"))
    FROM (SELECT * FROM "locators" WHERE "locators"."uid" = "users"."id" ORDER BY "createdAt", "rowid")
  )`.mapWith((json: string): UserLocator[] => JSON.parse(json));

/** The locators of a user, the oldest first; null where there is no such user. */
export async function findLocators(db: Database, userId: string): Promise<UserLocator[] | null> {
  const [row] = await db
    .select({ locators: locatorsOf })
    .from(users)
    .where(and(eq(users.userId, userId), isNull(users.erasedAt)));
  return row?.locators ?? null;
}

export type VerificationStatus = LocatorRow['verificationStatus'];

/** The facts about a user and a locator, read after a write that may not have happened. */
export interface LocatorFacts {
  /** The user's own locator, reserved or not; null where the user does not stand. */
  own: LocatorRow | null;
  /** Whether the user is there, and not being erased. */
  stands: boolean;
  /** The user for whom it is reserved. */
  /** Whether naming the user is enough to sign in. */
  isOpen: boolean;
  ownerUid: number | null;
  /** Whether a ban that outlived its user refuses it. */
  refused: boolean;
}

/** A locator for a user, and its keyed hashes. */
export interface Reservation {
  uid: number;
  locator: NewLocator;
  hashes: readonly string[];
  now: number;
}

/** A locator that a user claims. It reserves nothing, so no ban refuses it. */
type Claim = Omit<Reservation, 'hashes'>;

const MOST_LOCATORS = 20;

/** Names and numbers are cached. Only the row says whether the user is still there. */
const stands = (uid: number) => sql`EXISTS (SELECT 1 FROM users WHERE id = ${uid} AND "erasedAt" IS NULL)`;

const isOpen = (uid: number) => sql`EXISTS (SELECT 1 FROM users WHERE id = ${uid} AND entry = 'open')`;

const hasRoom = (uid: number) => sql`(SELECT count(*) FROM locators WHERE uid = ${uid}) < ${MOST_LOCATORS}`;

const isKey = ({ type, value, chainId }: LocatorKey) =>
  sql`"type" = ${type} AND "value" = ${value} AND "chainId" = ${chainId}`;

const isOwn = (uid: number, key: LocatorKey) =>
  sql`EXISTS (SELECT 1 FROM locators WHERE uid = ${uid} AND ${isKey(key)})`;

/** The user for whom a locator is reserved. `reserved` is literal text, which its partial index needs. */
const ownerOf = (key: LocatorKey) => sql`(SELECT uid FROM locators WHERE ${isKey(key)} AND reserved = 1)`;

/** Whether this locator is reserved for this user. */
export const isReservedFor = (uid: number, key: LocatorKey): SQL => sql`${ownerOf(key)} = ${uid}`;

/** One statement, so that parallel ones cannot give a user more than the limit. */
function insertLocator(db: Database, { uid, locator, now }: Claim, reserved: boolean, onlyWhere: SQL) {
  const { userLocatorId, type, value, chainId, verificationStatus } = locator;
  return db
    .insert(locators)
    .select(
      sql`SELECT ${userLocatorId}, ${uid}, ${type}, ${value}, ${chainId}, ${reserved ? 1 : 0}, ${verificationStatus}, ${now}
        WHERE ${stands(uid)} AND ${hasRoom(uid)} AND NOT ${isOwn(uid, locator)} AND ${onlyWhere}`,
    )
    .onConflictDoNothing();
}

const mayReserve = ({ locator, hashes, now }: Reservation) =>
  sql`${ownerOf(locator)} IS NULL AND NOT ${isRetired(hashes, now)}`;

const readFacts = (
  db: Database,
  { uid, locator, hashes = [], now }: Claim & { hashes?: readonly string[] },
) => ({
  own: db
    .select()
    .from(locators)
    .where(sql`uid = ${uid} AND ${isKey(locator)}`),
  about: db
    .select({
      // Named, because a batch returns rows by the names of their columns.
      stands: sql`${stands(uid)}`.mapWith(Boolean).as('stands'),
      isOpen: sql`${isOpen(uid)}`.mapWith(Boolean).as('isOpen'),
      ownerUid: sql<number | null>`${ownerOf(locator)}`.as('ownerUid'),
      refused: sql`${isRetired(hashes, now)}`.mapWith(Boolean).as('refused'),
    })
    .from(sql`(SELECT 1)`),
});

function toFacts({ own, about }: Answers<ReturnType<typeof readFacts>>): LocatorFacts {
  const facts = about[0] ?? { stands: false, isOpen: false, ownerUid: null, refused: false };
  return { ...facts, own: facts.stands ? (own[0] ?? null) : null };
}

export async function findFacts(db: Database, reservation: Reservation): Promise<LocatorFacts> {
  return toFacts(await runBatch(db, readFacts(db, reservation)));
}

/** Adds a locator that a user claims, unless they have it already. It reserves nothing. */
export async function insertClaim(db: Database, claim: Claim, writtenBy: WrittenBy): Promise<LocatorFacts> {
  // A bare `userId` is good for that only while it is enough to sign in.
  const may = writtenBy === 'bare' ? isOpen(claim.uid) : sql`1`;
  return toFacts(await runBatch(db, readFacts(db, claim), [insertLocator(db, claim, false, may)]));
}

/**
 * Reserves a locator for a user: a new one, or one that they claimed before. `status` is its new status; null leaves the
 * status of one that was reserved before.
 */
export async function reserve(
  db: Database,
  reservation: Reservation,
  status: VerificationStatus | null,
): Promise<LocatorFacts> {
  const kept = sql`CASE WHEN reserved = 1 THEN "verificationStatus" ELSE ${reservation.locator.verificationStatus} END`;
  const statements = reserveNamed(db, reservation, status ?? kept);
  return toFacts(await runBatch(db, readFacts(db, reservation), statements));
}

/** The statements that reserve an address as `Verified`. */
export function setVerified(reservation: Reservation): WithChange {
  return db => reserveNamed(db, reservation, 'Verified');
}

function reserveNamed(db: Database, reservation: Reservation, status: VerificationStatus | SQL) {
  const { uid, locator } = reservation;
  const mine = sql`uid = ${uid} AND ${isKey(locator)} AND ${stands(uid)}`;
  return [
    db
      .update(locators)
      .set({ reserved: true, verificationStatus: status })
      .where(sql`${mine} AND (reserved = 1 OR (${mayReserve(reservation)}))`),
    insertLocator(db, reservation, true, mayReserve(reservation)),
  ];
}

/** The statements that reserve a proven wallet and note its owner, where it has no owner and no ban refuses it. */
export function reserveWallet(reservation: Reservation, owner: KeyedHashes): WithChange {
  return db => [
    insertLocator(db, reservation, true, mayReserve(reservation)),
    noteWalletOwner(db, reservation.locator, owner),
  ];
}

/**
 * Deletes a locator of a user. Not a wallet: the user's object must be told when one goes. Returns the locator; null where
 * the user has no such one.
 */
export async function deleteLocator(
  db: Database,
  uid: number,
  userLocatorId: string,
): Promise<LocatorRow | null> {
  const theirs = and(eq(locators.userLocatorId, userLocatorId), eq(locators.uid, uid));
  const { found } = await runBatch(db, {
    found: db
      .select()
      .from(locators)
      .where(and(theirs, stands(uid))),
    deleted: db.delete(locators).where(and(theirs, sql`"type" <> 'wallet'`, stands(uid))),
  });
  return found[0] ?? null;
}

/** The statements that remove a wallet of a user, and write down once more whose it was. */
export function releaseWallet(wallet: LocatorRow, owner: KeyedHashes): WithChange {
  const { uid, userLocatorId } = wallet;
  return db => [
    noteWalletOwner(db, wallet, owner),
    db.delete(locators).where(and(eq(locators.userLocatorId, userLocatorId), eq(locators.uid, uid))),
  ];
}
