import type { LiveSessionEnd } from '../../events/types.ts';
import { firstRow, type Row } from '../../platform/object-sql.ts';
import { openSchema } from '../../platform/schema.ts';
import { MINUTE_MS } from '../../times.ts';
import { addressOfKey } from '../../users/rules.ts';
import {
  type Attempts,
  type NetworkFailures,
  noAttempts,
  noFailures,
  noNetworkFailures,
  type SessionFailures,
} from './attempts.ts';

import { openBarStorage } from './bar-storage.ts';
import { openEventStorage } from './event-storage.ts';
import { openFileStorage } from './file-storage.ts';
import type { Session, State } from './lifetime-rules.ts';
import { openMemberStorage } from './member-storage.ts';
import { openPresenceStorage } from './presence-storage.ts';
import { LEGACY_TABLE, STEPS } from './schema.ts';

/** Kept for much longer than a join may take (`JOIN_LIFE_MS`), so that a reconnect is told why, too. */
const TOMBSTONE_MS = 10 * MINUTE_MS;

/** Stands where an erased user's `userId` stood: no user can be called so. */
const ERASED_ID = '.erased';

export type LiveSessionStorage = ReturnType<typeof openStorage>;

/** Everything one live session keeps; `schema.ts` says what each table is for. Opened in the object's constructor. */
export function openStorage(storage: DurableObjectStorage) {
  const { sql } = storage;
  const schema = openSchema(storage, STEPS, LEGACY_TABLE);
  const members = openMemberStorage(sql);
  const files = openFileStorage(sql);
  const events = openEventStorage(sql);
  const bars = openBarStorage(sql);
  let exists = schema.exists();
  let listLength: number | null = null;

  function memory<T>(name: string, otherwise: T): T {
    const row = firstRow<{ detail: string }>(sql, 'SELECT detail FROM memory WHERE name = ?', name);
    return row ? JSON.parse(row.detail) : otherwise;
  }
  function remember(name: string, detail: unknown): void {
    sql.exec('INSERT OR REPLACE INTO memory (name, detail) VALUES (?, ?)', name, JSON.stringify(detail));
  }
  const session = () => memory<Session | null>('session', null);
  const putSession = (changed: Session) => remember('session', changed);

  return {
    ...members,
    ...openPresenceStorage(sql),
    ...bars,
    ...files,
    ...events,

    /** Whether there is a session here, or what is left of one that is being cleaned up. */
    exists: () => exists,
    /** Makes the tables, and what `write` puts into them, in one transaction. */
    create(write: () => void): void {
      storage.transactionSync(() => {
        schema.create();
        write();
      });
      exists = true;
    },
    /** Leaves nothing; the alarm goes, too. */
    async deleteAll(): Promise<void> {
      exists = false;
      await storage.deleteAll();
    },

    /** Why the session ended, once it has: from then on there is only cleaning up to do. */
    ended: () => memory<LiveSessionEnd | null>('ended', null),
    putEnded: (cause: LiveSessionEnd) => remember('ended', cause),

    session,
    putSession,
    state: () => memory<State | null>('state', null),
    putState: (state: State) => remember('state', state),

    /** How many addresses are on the list; read once, because every view of the session shows it. */
    allowListLength(): number {
      listLength ??= firstRow<{ n: number }>(sql, 'SELECT count(*) AS n FROM allowed')?.n ?? 0;
      return listLength;
    },
    /** Addresses on the list after this one, in order. */
    allowList: (after: string, limit: number): string[] =>
      sql
        .exec<{ address: string }>(
          'SELECT address FROM allowed WHERE address > ? ORDER BY address LIMIT ?',
          after,
          limit,
        )
        .toArray()
        .map(row => row.address),
    putAllowList(addresses: readonly string[]): void {
      listLength = null;
      sql.exec('DELETE FROM allowed');
      for (const address of addresses) sql.exec('INSERT OR IGNORE INTO allowed VALUES (?)', address);
    },
    /** Whether the list is made of these addresses, which are all different. */
    isAllowList(addresses: readonly string[]): boolean {
      const isOn = (address: string) =>
        firstRow(sql, 'SELECT 1 FROM allowed WHERE address = ?', address) !== null;
      return addresses.length === this.allowListLength() && addresses.every(isOn);
    },
    /** Those of these wallet keys that the list lets in. An address on the list stands for every wallet of it. */
    listedOf(wallets: readonly string[]): string[] {
      return wallets.filter(
        wallet => firstRow(sql, 'SELECT 1 FROM allowed WHERE address = ?', addressOfKey(wallet)) !== null,
      );
    },

    /** Removes the name of somebody who is erased. A bar on their number and their wallets stays. */
    forgetPerson(subject: string): void {
      const id = members.idOf(subject);
      if (id !== null) {
        events.erasePerson(id, ERASED_ID);
        bars.eraseBarSetter(id, ERASED_ID);
      }
      members.deletePerson(subject);
      files.renameCreator(subject, ERASED_ID);
      const known = session();
      if (known?.creator === subject) putSession({ ...known, creatorId: ERASED_ID });
    },

    isSignedOut(sid: string): boolean {
      return firstRow(sql, 'SELECT 1 FROM signedOut WHERE sid = ?', sid) !== null;
    },
    /** The tombstone that a join through this device session will find, if one is still under way. */
    putSignedOut(sid: string, now: number): void {
      sql.exec('DELETE FROM signedOut WHERE at < ?', now - TOMBSTONE_MS);
      sql.exec('INSERT OR IGNORE INTO signedOut VALUES (?, ?)', sid, now);
    },

    /** Until when the notes that `DeviceSessions` held of this subject's joins have been deleted there. */
    forgottenUntil(subject: string): number | null {
      const row = firstRow<{ until: number }>(sql, 'SELECT until FROM forgotten WHERE subject = ?', subject);
      return row?.until ?? null;
    },
    putForgotten(subject: string, until: number): void {
      sql.exec('DELETE FROM forgotten WHERE until < ?', until - TOMBSTONE_MS);
      sql.exec('INSERT OR REPLACE INTO forgotten VALUES (?, ?)', subject, until);
    },

    attempts(subject: string): Attempts {
      const row = firstRow<{ detail: string }>(sql, 'SELECT detail FROM attempts WHERE subject = ?', subject);
      return row ? JSON.parse(row.detail) : noAttempts;
    },
    putAttempts(subject: string, attempts: Attempts): void {
      const detail = JSON.stringify(attempts);
      sql.exec('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)', subject, attempts.lastAt, detail);
    },
    forgetAttempts(before: number): void {
      sql.exec('DELETE FROM attempts WHERE lastAt < ?', before);
    },
    /** Wrong passwords of one network. */
    networkFailures(network: string): NetworkFailures {
      return (
        firstRow<Row & NetworkFailures>(
          sql,
          'SELECT minuteAt, failures, lastAt FROM networkFailures WHERE network = ?',
          network,
        ) ?? noNetworkFailures
      );
    },
    putNetworkFailures(network: string, { minuteAt, failures, lastAt }: NetworkFailures): void {
      sql.exec(
        'INSERT OR REPLACE INTO networkFailures VALUES (?, ?, ?, ?)',
        network,
        minuteAt,
        failures,
        lastAt,
      );
    },
    forgetNetworkFailures(before: number): void {
      sql.exec('DELETE FROM networkFailures WHERE lastAt < ?', before);
    },
    sessionFailures: () => memory<SessionFailures>('failures', noFailures),
    putSessionFailures: (failures: SessionFailures) => remember('failures', failures),
  };
}
