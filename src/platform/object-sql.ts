export type Row = Record<string, SqlStorageValue>;
