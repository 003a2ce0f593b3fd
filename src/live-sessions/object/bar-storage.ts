import { firstRow, type Row } from '../../platform/object-sql.ts';
import type { Bar, BarCursor, Visitor } from '../contract.ts';

type BarRow = Row & Bar;

const COLUMNS = 'bars.id, people.id AS userId, people.name, bars.by, bars.byName, bars.reason, bars.at';
const FROM = 'bars LEFT JOIN people USING (subject)';

/** Who may not come back: by person, and by the wallets they held. */
export function openBarStorage(sql: SqlStorage) {
  const exists = (query: string, ...values: SqlStorageValue[]) => firstRow(sql, query, ...values) !== null;
  const isBarredWallet = (wallet: string) => exists('SELECT 1 FROM barredWallets WHERE address = ?', wallet);

  /** Whether a bar keeps this one out: of their own, of a former owner of their wallets, or of a wallet. */
  function barOf({ subject, wallets, kin }: Barrable): string | null {
    const own = firstRow<{ subject: string }>(
      sql,
      `SELECT subject FROM bars WHERE subject IN (SELECT value FROM json_each(?1))
       UNION ALL SELECT subject FROM barredWallets WHERE address IN (SELECT value FROM json_each(?2))`,
      JSON.stringify([subject, ...kin]),
      JSON.stringify(wallets),
    );
    return own?.subject ?? null;
  }

  function lift(subject: string): void {
    sql.exec('DELETE FROM barredWallets WHERE subject = ?', subject);
    sql.exec('DELETE FROM bars WHERE subject = ?', subject);
  }

  return {
    isBarredWallet,
    barOf,
    bar: (subject: string): Bar | null =>
      firstRow<BarRow>(sql, `SELECT ${COLUMNS} FROM ${FROM} WHERE bars.subject = ?`, subject),
    /** The bars after this one, the oldest first. */
    bars: ([at, id]: BarCursor, limit: number): Bar[] =>
      sql
        .exec<BarRow>(
          `SELECT ${COLUMNS} FROM ${FROM} WHERE (bars.at, bars.id) > (?, ?) ORDER BY bars.at, bars.id LIMIT ?`,
          at,
          id,
          limit,
        )
        .toArray(),

    /** The bars that a host set stand, without who that host was. */
    eraseBarSetter(id: string, erasedId: string): void {
      sql.exec('UPDATE bars SET by = ?, byName = NULL WHERE by = ?', erasedId, id);
    },

    /** Bars a person with every wallet they are known to hold. */
    putBar(subject: string, { id, by, byName, reason, at }: Omit<Bar, 'userId' | 'name'>): void {
      sql.exec(
        `INSERT INTO bars (subject, id, by, byName, reason, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (subject) DO UPDATE SET by = excluded.by, byName = excluded.byName, reason = excluded.reason`,
        subject,
        id,
        by,
        byName,
        reason,
        at,
      );
      sql.exec(
        'INSERT OR IGNORE INTO barredWallets SELECT wallet, subject FROM held WHERE subject = ?',
        subject,
      );
    },
    /** Bars more wallets of somebody who is barred already. */
    barWallets(subject: string, wallets: readonly string[]): void {
      if (!exists('SELECT 1 FROM bars WHERE subject = ?', subject)) return;
      for (const wallet of wallets) {
        sql.exec('INSERT OR IGNORE INTO barredWallets VALUES (?, ?)', wallet, subject);
      }
    },

    /** Lifts a bar, and those of the wallets that came with it; whether there was one. */
    deleteBar(subject: string): boolean {
      const stood = exists('SELECT 1 FROM bars WHERE subject = ?', subject);
      lift(subject);
      return stood;
    },
    deleteBarById(id: string): boolean {
      const row = firstRow<{ subject: string }>(sql, 'SELECT subject FROM bars WHERE id = ?', id);
      if (row) lift(row.subject);
      return row !== null;
    },

    /** When guests of this network are let in again; null where they are. */
    networkClosedUntil(network: string, now: number): number | null {
      const row = firstRow<{ until: number }>(
        sql,
        'SELECT until FROM closedNetworks WHERE network = ? AND until > ?',
        network,
        now,
      );
      return row?.until ?? null;
    },
    closeNetwork(network: string, until: number, now: number): void {
      sql.exec('DELETE FROM closedNetworks WHERE until <= ?', now);
      sql.exec('INSERT OR REPLACE INTO closedNetworks VALUES (?, ?)', network, until);
    },
  };
}

export type Barrable = Pick<Visitor, 'subject' | 'wallets' | 'kin'>;
