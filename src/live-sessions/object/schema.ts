import { firstRow } from '../../platform/object-sql.ts';
import type { SchemaStep } from '../../platform/schema.ts';

/** The table by which a live session is known that was made before schema versions were kept. */
export const LEGACY_TABLE = 'memory';

/** What rules and state lack in sessions made before those rules came. */
const LEGACY_SESSION = { allowGuests: false, memberTimeoutMs: 0, maxFiles: 100, maxTotalMegaBytes: 1024 };
const LEGACY_STATE = { guestCount: 0 };

/**
 * The tables of a live session, in the order they came. `memory` keeps single values as JSON (`session` is fixed, `state`
 * moves with the members, `ended` says why it is over). `people` is everybody who was ever in, because a kick reaches those
 * too. `members` is who is in, `credentials` the device sessions they are in through, `bars` who may not come back,
 * `signedOut` the device sessions that have ended, `forgotten` the subjects whose earlier joins are void.
 */
export const STEPS: readonly SchemaStep[] = [
  tablesBeforeVersions,
  walletsNetworksAndBars,
  eventsOfTheRoom,
  lostSockets,
  newsOfWallets,
];

/** Everything that was made before versions were kept, by whichever of those releases. */
function tablesBeforeVersions(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS memory (name TEXT PRIMARY KEY, detail TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS counter (seq INTEGER NOT NULL);
    INSERT INTO counter (seq) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter);
    CREATE TABLE IF NOT EXISTS allowed (address TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS people (subject TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, wallets TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS members (seat INTEGER PRIMARY KEY AUTOINCREMENT, mid TEXT NOT NULL UNIQUE,
      subject TEXT NOT NULL UNIQUE, id TEXT NOT NULL, name TEXT NOT NULL, address TEXT);
    CREATE TABLE IF NOT EXISTS credentials (sid TEXT PRIMARY KEY, mid TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS credentialsOfMember ON credentials (mid);
    CREATE TABLE IF NOT EXISTS bars (subject TEXT PRIMARY KEY, by TEXT NOT NULL, reason TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS barredWallets
      (address TEXT, subject TEXT, PRIMARY KEY (address, subject)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS signedOut (sid TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS forgotten (subject TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS files (fileKey TEXT PRIMARY KEY, fileName TEXT NOT NULL, contentType TEXT NOT NULL,
      sizeInBytes INTEGER NOT NULL, creatorId TEXT NOT NULL, createdAt INTEGER NOT NULL, r2Key TEXT NOT NULL,
      subject TEXT NOT NULL, stored INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS reservations ON files (createdAt) WHERE stored = 0;
    CREATE TABLE IF NOT EXISTS attempts (subject TEXT PRIMARY KEY, lastAt INTEGER NOT NULL, detail TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS attemptsByAge ON attempts (lastAt);
  `);
  addColumn(sql, 'members', 'guestOf', 'TEXT');
  addColumn(sql, 'members', 'online', 'INTEGER NOT NULL DEFAULT 0');
  addColumn(sql, 'members', 'seenAt', 'INTEGER NOT NULL DEFAULT 0');
  addColumn(sql, 'signedOut', 'at', 'INTEGER NOT NULL DEFAULT 0');
  sql.exec(`
    DROP INDEX IF EXISTS membersBySeen;
    CREATE INDEX membersBySeen ON members (seenAt) WHERE online = 0;
    CREATE INDEX IF NOT EXISTS guests ON members (guestOf) WHERE guestOf IS NOT NULL;
  `);
  addMembers(sql, 'session', LEGACY_SESSION);
  addMembers(sql, 'state', LEGACY_STATE);
}

/**
 * `held` is which wallets a person is known to hold, by wallet key. Bars get an id and outlive the name of the person.
 * `closedNetworks` are those no guest is let in from for a while, `networkFailures` wrong passwords by network. A `doomed` file is being deleted, which is told apart from an upload.
 */
function walletsNetworksAndBars(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE held (wallet TEXT, subject TEXT, PRIMARY KEY (wallet, subject)) WITHOUT ROWID;
    CREATE INDEX heldBySubject ON held (subject);
    INSERT INTO held SELECT wallet.value, subject FROM people, json_each(people.wallets) AS wallet;
    ALTER TABLE people DROP COLUMN wallets;
    ALTER TABLE people ADD COLUMN name TEXT;
    ALTER TABLE people ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE people ADD COLUMN network TEXT;
    ALTER TABLE bars ADD COLUMN id TEXT;
    ALTER TABLE bars ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE bars ADD COLUMN byName TEXT;
    UPDATE bars SET id = lower(hex(randomblob(16)));
    CREATE UNIQUE INDEX barsById ON bars (id);
    CREATE INDEX barsByAge ON bars (at, id);
    CREATE TABLE closedNetworks (network TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE networkFailures
      (network TEXT PRIMARY KEY, minuteAt INTEGER NOT NULL, failures INTEGER NOT NULL, lastAt INTEGER NOT NULL);
    CREATE INDEX networkFailuresByAge ON networkFailures (lastAt);
    ALTER TABLE files ADD COLUMN doomed INTEGER NOT NULL DEFAULT 0;
  `);
}

/** `events` is what was told to all, numbered by `counter`; `since` is the event after which a member is in. */
function eventsOfTheRoom(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, frame TEXT NOT NULL);
    CREATE INDEX eventsByAge ON events (at);
    ALTER TABLE members ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
    UPDATE members SET since = (SELECT seq FROM counter);
  `);
}

/**
 * When a member's last socket was lost. Guests were not heard of where no rule asked for it: they have the whole time from
 * now on.
 */
function lostSockets(sql: SqlStorage): void {
  sql.exec(`
    ALTER TABLE members ADD COLUMN lostAt INTEGER;
    CREATE INDEX membersOnline ON members (seat) WHERE online = 1;
  `);
  sql.exec('UPDATE members SET seenAt = ? WHERE guestOf IS NOT NULL', Date.now());
}

/** `walletNews` is of which version the record of somebody is who never was in, but may be joining. */
function newsOfWallets(sql: SqlStorage): void {
  sql.exec(`
    CREATE TABLE walletNews
      (subject TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
  `);
}

function addColumn(sql: SqlStorage, table: string, column: string, type: string): void {
  const columns = sql.exec<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`).toArray();
  if (columns.some(({ name }) => name === column)) return;
  sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
}

/** Gives a JSON value in `memory` the members it lacks. */
function addMembers(sql: SqlStorage, name: string, members: Record<string, unknown>): void {
  const row = firstRow<{ detail: string }>(sql, 'SELECT detail FROM memory WHERE name = ?', name);
  if (!row) return;
  const whole = JSON.stringify({ ...members, ...JSON.parse(row.detail) });
  sql.exec('UPDATE memory SET detail = ? WHERE name = ?', whole, name);
}
