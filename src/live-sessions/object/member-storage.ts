import { firstRow, type Row } from '../../platform/object-sql.ts';
import { MINUTE_MS } from '../../times.ts';
import type { MemberCredential, MemberCursor } from '../contract.ts';
import type { Person } from './lifetime-rules.ts';

/** A seat taken: who sits in it, and since which turn (`seat` rises with every admission). */
export interface Member extends Person {
  seat: number;
  mid: string;
  name: string;
  address: string | null;
  /** A guest's network; null: no guest. */
  guestOf: string | null;
}

/** What is remembered of somebody who was in. `network` is a keyed hash. */
export interface PersonFacts {
  name: string;
  network: string | null;
}

export const COLUMNS = 'seat, mid, subject, id, name, address, guestOf';

/** Longer than a join may take (`JOIN_LIFE_MS`). */
const NEWS_KEPT_MS = 10 * MINUTE_MS;

/** Who was ever in, who is in, through which device sessions, and when each was last heard of. */
export function openMemberStorage(sql: SqlStorage) {
  const member = (where: string, ...values: SqlStorageValue[]): Member | null =>
    firstRow<Row & Member>(sql, `SELECT ${COLUMNS} FROM members ${where}`, ...values);
  const members = (where: string, ...values: SqlStorageValue[]): Member[] =>
    sql.exec<Row & Member>(`SELECT ${COLUMNS} FROM members ${where}`, ...values).toArray();

  return {
    /** Somebody who was ever in, by the public `userId`. */
    person(id: string): Person | null {
      return firstRow<Row & Person>(sql, 'SELECT subject, id FROM people WHERE id = ?', id);
    },
    /** The version of the record by which the wallets of this person are known; null for somebody who never was in. */
    versionOf(subject: string): number | null {
      return (
        firstRow<{ version: number }>(sql, 'SELECT version FROM people WHERE subject = ?', subject)
          ?.version ?? null
      );
    },
    /** The latest version of this person's record that the session was told of; 0 for none. */
    latestVersionOf(subject: string): number {
      const row = firstRow<{ version: number | null }>(
        sql,
        `SELECT max(version) AS version FROM
           (SELECT version FROM people WHERE subject = ?1 UNION ALL SELECT version FROM walletNews WHERE subject = ?1)`,
        subject,
      );
      return row?.version ?? 0;
    },
    /** Notes that somebody who never was in has a newer record. Kept for longer than a join may take. */
    putNews(subject: string, version: number, now: number): void {
      sql.exec('DELETE FROM walletNews WHERE at < ?', now - NEWS_KEPT_MS);
      sql.exec(
        `INSERT INTO walletNews (subject, version, at) VALUES (?, ?, ?)
         ON CONFLICT (subject) DO UPDATE SET version = max(version, excluded.version), at = excluded.at`,
        subject,
        version,
        now,
      );
    },
    networkOf(subject: string): string | null {
      const row = firstRow<{ network: string | null }>(
        sql,
        'SELECT network FROM people WHERE subject = ?',
        subject,
      );
      return row?.network ?? null;
    },
    putPerson({ subject, id }: Person, { name, network }: PersonFacts): void {
      sql.exec(
        `INSERT INTO people (subject, id, name, network) VALUES (?, ?, ?, ?)
         ON CONFLICT (subject) DO UPDATE SET id = excluded.id, name = excluded.name,
           network = coalesce(excluded.network, network)`,
        subject,
        id,
        name,
        network,
      );
    },
    /** The public id of a person who is or was in; null for others. */
    idOf: (subject: string): string | null =>
      firstRow<{ id: string }>(sql, 'SELECT id FROM people WHERE subject = ?', subject)?.id ?? null,
    deletePerson(subject: string): void {
      sql.exec('DELETE FROM people WHERE subject = ?', subject);
      sql.exec('DELETE FROM held WHERE subject = ?', subject);
      sql.exec('DELETE FROM walletNews WHERE subject = ?', subject);
    },

    /** The wallet keys this person is known to hold. */
    walletsOf: (subject: string): string[] =>
      sql
        .exec<{ wallet: string }>('SELECT wallet FROM held WHERE subject = ?', subject)
        .toArray()
        .map(({ wallet }) => wallet),
    putWallets(subject: string, wallets: readonly string[], version: number): void {
      sql.exec('UPDATE people SET version = ? WHERE subject = ?', version, subject);
      sql.exec('DELETE FROM held WHERE subject = ?', subject);
      for (const wallet of wallets) sql.exec('INSERT OR IGNORE INTO held VALUES (?, ?)', wallet, subject);
    },
    /** Members other than this one who are known to hold one of these wallets. */
    othersHolding: (wallets: readonly string[], subject: string): Member[] =>
      members(
        `WHERE subject IN (SELECT held.subject FROM held WHERE wallet IN (SELECT value FROM json_each(?)))
         AND subject <> ?`,
        JSON.stringify(wallets),
        subject,
      ),
    putName(mid: string, name: string): void {
      sql.exec('UPDATE members SET name = ? WHERE mid = ?', name, mid);
    },
    putAddress(mid: string, address: string | null): void {
      sql.exec('UPDATE members SET address = ? WHERE mid = ?', address, mid);
    },

    memberOf: (subject: string) => member('WHERE subject = ?', subject),
    /** The member behind a credential, if the membership and this device session's part in it still stand. */
    memberBy: ({ mid, sid, subject }: MemberCredential) =>
      member('JOIN credentials USING (mid) WHERE mid = ? AND sid = ? AND subject = ?', mid, sid, subject),
    /** Members in the order they came, after a seat, without those of these mids. */
    members: ([after, without]: MemberCursor, limit: number) =>
      members(
        'WHERE seat > ? AND mid NOT IN (?, ?) ORDER BY seat LIMIT ?',
        after,
        without[0] ?? '',
        without[1] ?? '',
        limit,
      ),
    /** The longest-standing member who can host, other than this one; a host who is away only where there is no other. */
    successorOf: (subject: string, away: string | null): Person | null =>
      member(
        'WHERE subject <> ? AND guestOf IS NULL ORDER BY subject = ?, seat LIMIT 1',
        subject,
        away ?? '',
      ),
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
    /** The event after which this membership began. */
    sinceOf(mid: string): number {
      return firstRow<{ since: number }>(sql, 'SELECT since FROM members WHERE mid = ?', mid)?.since ?? 0;
    },
    putSince(mid: string, since: number): void {
      sql.exec('UPDATE members SET since = ? WHERE mid = ?', since, mid);
    },
    guestsOf(network: string): number {
      const row = firstRow<{ n: number }>(
        sql,
        'SELECT count(*) AS n FROM members WHERE guestOf = ?',
        network,
      );
      return row?.n ?? 0;
    },
    /** Removes the membership with every credential of it. Its `mid` never comes back. */
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
      return firstRow(sql, 'SELECT 1 FROM credentials WHERE mid = ? LIMIT 1', mid) !== null;
    },
  };
}
