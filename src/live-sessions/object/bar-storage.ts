import { firstRow, type Row } from '../../platform/object-sql.ts';

export interface Bar {
  /** The public id of the host who kicked. */
  by: string;
  reason: string | null;
}

/** Who may not come back, by person and by the wallets they had proven. */
export function openBarStorage(sql: SqlStorage) {
  const bar = (subject: string): Bar | null =>
    firstRow<Row & Bar>(sql, 'SELECT by, reason FROM bars WHERE subject = ?', subject);

  return {
    bar,
    isBarred(subject: string, wallets: readonly string[]): boolean {
      const isBarredWallet = (wallet: string) =>
        firstRow(sql, 'SELECT 1 FROM barredWallets WHERE address = ?', wallet) !== null;
      return bar(subject) !== null || wallets.some(isBarredWallet);
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
      return firstRow(sql, 'DELETE FROM bars WHERE subject = ? RETURNING 1', subject) !== null;
    },
  };
}
