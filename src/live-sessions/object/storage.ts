import type { Row } from '../../platform/object-sql.ts';
import type { MemberCredential, MemberCursor, StoredFile } from '../contract.ts';
import type { Holdings } from '../file-rules.ts';
import { type Attempts, noAttempts, noFailures, type SessionFailures } from './attempts.ts';
import { FILE_COLUMNS, type FileRow, toFile } from './file-storage.ts';
import type { Ending, Person, Session, State } from './lifetime-rules.ts';
import { type Bar, MEMBER_COLUMNS, type Member, NOBODY, TOMBSTONE_MS } from './member-storage.ts';

export type LiveSessionStorage = ReturnType<typeof openStorage>;

/**
 * Everything one live session keeps. `session` is what is fixed, `state` what moves with the members; `people`
 * is everybody who was ever in (a kick reaches those too), `members` who is in, `credentials` through which
 * device sessions, `bars` who may not come back, `signedOut` which device sessions have ended, `forgotten` whose joins are void.
 */
export function openStorage({ sql }: DurableObjectStorage) {
  let allowList: string[] | null = null;

  function first<T extends Row>(query: string, ...values: SqlStorageValue[]): T | null {
    return sql.exec<T>(query, ...values).toArray()[0] ?? null;
  }
  function memory<T>(name: string, otherwise: T): T {
    const row = first<{ detail: string }>('SELECT detail FROM memory WHERE name = ?', name);
    return row ? JSON.parse(row.detail) : otherwise;
  }
  function remember(name: string, detail: unknown): void {
    sql.exec('INSERT OR REPLACE INTO memory (name, detail) VALUES (?, ?)', name, JSON.stringify(detail));
  }

  return {
    exists(): boolean {
      return first("SELECT 1 FROM sqlite_master WHERE name = 'memory'") !== null;
    },

    createTables(): void {
      sql.exec(`
        CREATE TABLE memory (name TEXT PRIMARY KEY, detail TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE counter (seq INTEGER NOT NULL);
        INSERT INTO counter (seq) VALUES (0);
        CREATE TABLE allowed (address TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE people (subject TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, wallets TEXT NOT NULL);
        CREATE TABLE members (seat INTEGER PRIMARY KEY AUTOINCREMENT, mid TEXT NOT NULL UNIQUE,
          subject TEXT NOT NULL UNIQUE, id TEXT NOT NULL, name TEXT NOT NULL, address TEXT, guestOf TEXT,
          online INTEGER NOT NULL, seenAt INTEGER NOT NULL);
        CREATE INDEX membersBySeen ON members (seenAt) WHERE online = 0;
        CREATE INDEX guests ON members (guestOf) WHERE guestOf IS NOT NULL;
        CREATE TABLE credentials (sid TEXT PRIMARY KEY, mid TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX credentialsOfMember ON credentials (mid);
        CREATE TABLE bars (subject TEXT PRIMARY KEY, by TEXT NOT NULL, reason TEXT) WITHOUT ROWID;
        CREATE TABLE barredWallets (address TEXT, subject TEXT, PRIMARY KEY (address, subject)) WITHOUT ROWID;
        CREATE TABLE signedOut (sid TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE forgotten (subject TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE files (fileKey TEXT PRIMARY KEY, fileName TEXT NOT NULL, contentType TEXT NOT NULL,
          sizeInBytes INTEGER NOT NULL, creatorId TEXT NOT NULL, createdAt INTEGER NOT NULL, r2Key TEXT NOT NULL,
          subject TEXT NOT NULL, stored INTEGER NOT NULL);
        CREATE INDEX reservations ON files (createdAt) WHERE stored = 0;
        CREATE TABLE attempts (subject TEXT PRIMARY KEY, lastAt INTEGER NOT NULL, detail TEXT NOT NULL);
        CREATE INDEX attemptsByAge ON attempts (lastAt);
      `);
    },

    /** Why the session ended, once it has: from then on there is only cleaning up to do. */
    ended: () => memory<Ending | null>('ended', null),
    putEnded: (ending: Ending) => remember('ended', ending),

    session: () => memory<Session | null>('session', null),
    putSession: (session: Session) => remember('session', session),
    state: () => memory<State | null>('state', null),
    putState: (state: State) => remember('state', state),

    /** The number of the next frame. */
    nextSeq(): number {
      return sql.exec<{ seq: number }>('UPDATE counter SET seq = seq + 1 RETURNING seq').one().seq;
    },

    /** Read once: every view of the session shows it. */
    allowList(): string[] {
      allowList ??= sql
        .exec<{ address: string }>('SELECT address FROM allowed')
        .toArray()
        .map(row => row.address);
      return allowList;
    },
    putAllowList(addresses: readonly string[]): void {
      allowList = null;
      sql.exec('DELETE FROM allowed');
      for (const address of addresses) sql.exec('INSERT OR IGNORE INTO allowed VALUES (?)', address);
    },
    isListed(wallets: readonly string[]): boolean {
      return wallets.some(wallet => first('SELECT 1 FROM allowed WHERE address = ?', wallet) !== null);
    },

    person(id: string): Person | null {
      return first<{ subject: string; id: string }>('SELECT subject, id FROM people WHERE id = ?', id);
    },
    putPerson({ subject, id }: Person, wallets: readonly string[]): void {
      sql.exec('INSERT OR REPLACE INTO people VALUES (?, ?, ?)', subject, id, JSON.stringify(wallets));
    },

    /** Whoever is erased leaves no name behind; a bar, on their number and their wallets, goes on. */
    forgetPerson(subject: string): void {
      sql.exec('DELETE FROM people WHERE subject = ?', subject);
      sql.exec('UPDATE files SET creatorId = ? WHERE subject = ?', NOBODY, subject);
      const session = memory<Session | null>('session', null);
      if (session?.creator === subject) remember('session', { ...session, creatorId: NOBODY });
    },

    memberOf(subject: string): Member | null {
      return first<Row & Member>(`SELECT ${MEMBER_COLUMNS} FROM members WHERE subject = ?`, subject);
    },
    /** The member behind a credential, if the membership and this device session's part in it still stand. */
    memberBy({ mid, sid, subject }: MemberCredential): Member | null {
      return first<Row & Member>(
        `SELECT ${MEMBER_COLUMNS} FROM members JOIN credentials USING (mid)
         WHERE mid = ? AND sid = ? AND subject = ?`,
        mid,
        sid,
        subject,
      );
    },
    /** Members in the order they came, after a seat, without those of these mids. */
    members([after, without]: MemberCursor, limit: number): Member[] {
      return sql
        .exec<Row & Member>(
          `SELECT ${MEMBER_COLUMNS} FROM members WHERE seat > ? AND mid NOT IN (?, ?) ORDER BY seat LIMIT ?`,
          after,
          without[0] ?? '',
          without[1] ?? '',
          limit,
        )
        .toArray();
    },
    /** The longest-standing member who can host, but this one. */
    successorOf(subject: string): Person | null {
      return first<{ subject: string; id: string }>(
        'SELECT subject, id FROM members WHERE subject <> ? AND guestOf IS NULL ORDER BY seat LIMIT 1',
        subject,
      );
    },
    insertMember({ mid, subject, id, name, address, guestOf }: Omit<Member, 'seat'>, now: number): void {
      sql.exec(
        'INSERT INTO members (mid, subject, id, name, address, guestOf, online, seenAt) VALUES (?, ?, ?, ?, ?, ?, 0, ?)',
        mid,
        subject,
        id,
        name,
        address,
        guestOf,
        now,
      );
    },
    guestsOf(network: string): number {
      return first<{ n: number }>('SELECT count(*) AS n FROM members WHERE guestOf = ?', network)?.n ?? 0;
    },

    /** When a member was last heard of; null while they are online, by an open socket or an upload on its way. */
    silentSince(mid: string): number | null {
      const row = first<{ seenAt: number }>(
        `SELECT seenAt FROM members WHERE mid = ? AND online = 0
         AND NOT EXISTS (SELECT 1 FROM files WHERE stored = 0 AND files.subject = members.subject)`,
        mid,
      );
      return row?.seenAt ?? null;
    },
    putSeen(mid: string, now: number): void {
      sql.exec('UPDATE members SET seenAt = ? WHERE mid = ?', now, mid);
    },
    putOnline(mid: string, online: boolean, now: number): void {
      sql.exec('UPDATE members SET online = ?, seenAt = ? WHERE mid = ?', online ? 1 : 0, now, mid);
    },
    onlineMids(): string[] {
      return sql
        .exec<{ mid: string }>('SELECT mid FROM members WHERE online = 1')
        .toArray()
        .map(row => row.mid);
    },
    leastSeenAt(): number | null {
      return (
        first<{ at: number | null }>('SELECT min(seenAt) AS at FROM members WHERE online = 0')?.at ?? null
      );
    },
    /** Members who are not online and were last heard of by then. */
    seenUntil(at: number): Member[] {
      return sql
        .exec<Row & Member>(
          `SELECT ${MEMBER_COLUMNS} FROM members WHERE online = 0 AND seenAt <= ? ORDER BY seenAt`,
          at,
        )
        .toArray();
    },
    everybodySeen(now: number): void {
      sql.exec('UPDATE members SET seenAt = ?', now);
    },
    /** The membership and every credential of it, for ever. */
    deleteMember(mid: string): void {
      sql.exec('DELETE FROM credentials WHERE mid = ?', mid);
      sql.exec('DELETE FROM members WHERE mid = ?', mid);
    },

    putCredential(sid: string, mid: string): void {
      sql.exec('INSERT OR REPLACE INTO credentials VALUES (?, ?)', sid, mid);
    },
    deleteCredential(sid: string): void {
      sql.exec('DELETE FROM credentials WHERE sid = ?', sid);
    },
    hasCredential(mid: string): boolean {
      return first('SELECT 1 FROM credentials WHERE mid = ? LIMIT 1', mid) !== null;
    },

    bar(subject: string): Bar | null {
      return first<Row & Bar>('SELECT by, reason FROM bars WHERE subject = ?', subject);
    },
    isBarred(subject: string, wallets: readonly string[]): boolean {
      return (
        this.bar(subject) !== null ||
        wallets.some(wallet => first('SELECT 1 FROM barredWallets WHERE address = ?', wallet) !== null)
      );
    },
    /** Bars a person and every wallet they had proven when they were last admitted. */
    putBar(subject: string, { by, reason }: Bar): void {
      sql.exec('INSERT OR REPLACE INTO bars VALUES (?, ?, ?)', subject, by, reason);
      sql.exec(
        `INSERT OR IGNORE INTO barredWallets
         SELECT wallet.value, subject FROM people, json_each(people.wallets) AS wallet WHERE subject = ?`,
        subject,
      );
    },

    /** Lifts a bar, and those of the wallets that came with it; whether there was one. */
    deleteBar(subject: string): boolean {
      sql.exec('DELETE FROM barredWallets WHERE subject = ?', subject);
      return first('DELETE FROM bars WHERE subject = ? RETURNING 1', subject) !== null;
    },

    holdings(): Holdings {
      const held = first<{ files: number; bytes: number }>(
        'SELECT count(*) AS files, coalesce(sum(sizeInBytes), 0) AS bytes FROM files',
      );
      return held ?? { files: 0, bytes: 0 };
    },
    insertFile(file: StoredFile): void {
      sql.exec(
        `INSERT INTO files (${FILE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        file.fileKey,
        file.fileName,
        file.contentType,
        file.sizeInBytes,
        file.creatorId,
        file.createdAt,
        file.r2Key,
        file.subject,
        file.stored ? 1 : 0,
      );
    },
    file(fileKey: string): StoredFile | null {
      const row = first<FileRow>(`SELECT ${FILE_COLUMNS} FROM files WHERE fileKey = ?`, fileKey);
      return row && toFile(row);
    },
    files(): StoredFile[] {
      return sql
        .exec<FileRow>(`SELECT ${FILE_COLUMNS} FROM files ORDER BY createdAt, fileKey`)
        .toArray()
        .map(toFile);
    },
    putFileStored(fileKey: string, now: number): void {
      sql.exec('UPDATE files SET stored = 1, createdAt = ? WHERE fileKey = ?', now, fileKey);
    },
    deleteFile(fileKey: string): void {
      sql.exec('DELETE FROM files WHERE fileKey = ?', fileKey);
    },
    /** What is to be deleted and may not be counted as gone before it is. */
    putFileDoomed(fileKey: string, retryAt: number): void {
      sql.exec('UPDATE files SET stored = 0, createdAt = ? WHERE fileKey = ?', retryAt, fileKey);
    },
    reservedUntil(at: number): StoredFile[] {
      return sql
        .exec<FileRow>(`SELECT ${FILE_COLUMNS} FROM files WHERE stored = 0 AND createdAt <= ?`, at)
        .toArray()
        .map(toFile);
    },
    oldestReservationAt(): number | null {
      const row = first<{ at: number | null }>('SELECT min(createdAt) AS at FROM files WHERE stored = 0');
      return row?.at ?? null;
    },

    isSignedOut(sid: string): boolean {
      return first('SELECT 1 FROM signedOut WHERE sid = ?', sid) !== null;
    },
    /** The tombstone: a join through this device session that is still on its way will find it. */
    putSignedOut(sid: string, now: number): void {
      sql.exec('DELETE FROM signedOut WHERE at < ?', now - TOMBSTONE_MS);
      sql.exec('INSERT OR IGNORE INTO signedOut VALUES (?, ?)', sid, now);
    },

    /** Until when what was noted elsewhere of this subject's joins has been forgotten there. */
    forgottenUntil(subject: string): number | null {
      return (
        first<{ until: number }>('SELECT until FROM forgotten WHERE subject = ?', subject)?.until ?? null
      );
    },
    putForgotten(subject: string, until: number): void {
      sql.exec('DELETE FROM forgotten WHERE until < ?', until - TOMBSTONE_MS);
      sql.exec('INSERT OR REPLACE INTO forgotten VALUES (?, ?)', subject, until);
    },

    attempts(subject: string): Attempts {
      const row = first<{ detail: string }>('SELECT detail FROM attempts WHERE subject = ?', subject);
      return row ? JSON.parse(row.detail) : noAttempts;
    },
    putAttempts(subject: string, attempts: Attempts): void {
      const detail = JSON.stringify(attempts);
      sql.exec('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)', subject, attempts.lastAt, detail);
    },
    forgetAttempts(before: number): void {
      sql.exec('DELETE FROM attempts WHERE lastAt < ?', before);
    },
    sessionFailures: () => memory<SessionFailures>('failures', noFailures),
    putSessionFailures: (failures: SessionFailures) => remember('failures', failures),
  };
}
