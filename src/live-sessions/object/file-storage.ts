import { firstRow, type Row } from '../../platform/object-sql.ts';
import type { StoredFile } from '../contract.ts';
import type { Holdings } from '../file-rules.ts';

type FileRow = Row & Omit<StoredFile, 'stored'> & { stored: number };

const toFile = (row: FileRow): StoredFile => ({ ...row, stored: row.stored === 1 });

const COLUMNS = 'fileKey, fileName, contentType, sizeInBytes, creatorId, createdAt, r2Key, subject, stored';

/** Files that are stored, and the places of those under way. */
export function openFileStorage(sql: SqlStorage) {
  const files = (where: string, ...values: SqlStorageValue[]): StoredFile[] =>
    sql
      .exec<FileRow>(`SELECT ${COLUMNS} FROM files ${where}`, ...values)
      .toArray()
      .map(toFile);

  return {
    holdings(): Holdings {
      const held = firstRow<Row & Holdings>(
        sql,
        'SELECT count(*) AS files, coalesce(sum(sizeInBytes), 0) AS bytes FROM files',
      );
      return held ?? { files: 0, bytes: 0 };
    },
    /** How many files are stored. */
    fileCount: (): number =>
      firstRow<{ n: number }>(sql, 'SELECT count(*) AS n FROM files WHERE stored = 1')?.n ?? 0,
    insertFile(file: StoredFile): void {
      sql.exec(
        `INSERT INTO files (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    file: (fileKey: string): StoredFile | null => files('WHERE fileKey = ?', fileKey)[0] ?? null,
    files: (): StoredFile[] => files('ORDER BY createdAt, fileKey'),
    putFileStored(fileKey: string, now: number): void {
      sql.exec('UPDATE files SET stored = 1, createdAt = ? WHERE fileKey = ?', now, fileKey);
    },
    /** A file that is to be deleted: it counts until its bytes are gone. */
    putFileDoomed(fileKey: string, retryAt: number): void {
      sql.exec('UPDATE files SET stored = 0, doomed = 1, createdAt = ? WHERE fileKey = ?', retryAt, fileKey);
    },
    deleteFile(fileKey: string): void {
      sql.exec('DELETE FROM files WHERE fileKey = ?', fileKey);
    },
    /** How many uploads of this member are under way. */
    uploadsOf(subject: string): number {
      const row = firstRow<{ n: number }>(
        sql,
        'SELECT count(*) AS n FROM files WHERE subject = ? AND stored = 0 AND doomed = 0',
        subject,
      );
      return row?.n ?? 0;
    },
    /** Gives back the places of this member's uploads under way. Their bytes go when the upload reports or is swept. */
    deleteUploadsOf(subject: string): void {
      sql.exec('DELETE FROM files WHERE subject = ? AND stored = 0 AND doomed = 0', subject);
    },
    renameCreator(subject: string, creatorId: string): void {
      sql.exec('UPDATE files SET creatorId = ? WHERE subject = ?', creatorId, subject);
    },
    reservedUntil: (at: number): StoredFile[] => files('WHERE stored = 0 AND createdAt <= ?', at),
    oldestReservationAt(): number | null {
      const row = firstRow<{ at: number | null }>(
        sql,
        'SELECT min(createdAt) AS at FROM files WHERE stored = 0',
      );
      return row?.at ?? null;
    },
  };
}
