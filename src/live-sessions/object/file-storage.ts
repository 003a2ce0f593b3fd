import type { Row } from '../../platform/object-sql.ts';
import type { StoredFile } from '../contract.ts';

export type FileRow = Row & Omit<StoredFile, 'stored'> & { stored: number };

export const toFile = (row: FileRow): StoredFile => ({ ...row, stored: row.stored === 1 });

export const FILE_COLUMNS =
  'fileKey, fileName, contentType, sizeInBytes, creatorId, createdAt, r2Key, subject, stored';
