/** Durable Objects as earlier releases left them, for tests of the schema steps. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import type { UserRecord } from '../../src/users/contract.ts';

/** One statement and its values. */
export type Statement = [query: string, ...values: SqlStorageValue[]];

/** Replaces all that an object stores by what these statements make, and lets the object begin again with it. */
export async function putState(stub: DurableObjectStub, statements: readonly Statement[]): Promise<void> {
  await runInDurableObject(stub as never, async (_, { storage }: DurableObjectState) => {
    await storage.deleteAll();
    for (const [query, ...values] of statements) storage.sql.exec(query, ...values);
  });
  await evictDurableObject(stub as never);
}

/** What an object stores in a table. */
export function rowsOf<Row = Record<string, SqlStorageValue>>(
  stub: DurableObjectStub,
  table: string,
): Promise<Row[]> {
  return runInDurableObject(
    stub as never,
    (_, { storage }: DurableObjectState) => storage.sql.exec(`SELECT * FROM ${table}`).toArray() as Row[],
  );
}

/** Makes an object look as if a later release than this one had taken further steps. */
export async function pretendNewer(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub as never, (_, { storage }: DurableObjectState) => {
    storage.sql.exec('UPDATE schemaVersion SET version = 99');
    storage.sql.exec('CREATE TABLE ofLater (one INTEGER PRIMARY KEY)');
  });
  await evictDurableObject(stub as never);
}

/** A device session as it was stored until schema steps began. */
export interface EarlierSession {
  id: string;
  deviceId: string;
  openedBy: 'A' | 'C' | 'D' | 'wallet';
  proof: string;
  accessJti: string;
  refreshJti: string;
  kid: string;
  wallet?: string;
  issuedForMs?: number;
}

export interface EarlierState {
  record: UserRecord;
  sessions: EarlierSession[];
  notes?: { liveId: string; sid: string }[];
  /** An empty `sid` said that the user is erased. */
  outbox?: { liveId: string; sid: string }[];
}

const DAY_MS = 86_400_000;

/** `DeviceSessions` as two earlier states of the code made it: before users could be erased, and before schema steps. */
export const eras = ['before_erasure', 'before_steps'] as const;
export type Era = (typeof eras)[number];

export function earlierDeviceSessions(era: Era, state: EarlierState): Statement[] {
  const { record, sessions, notes = [], outbox = [] } = state;
  const now = Date.now();
  const isOld = era === 'before_erasure';
  const { keptSid, kin: _, ...members } = record as UserRecord & { kin?: unknown };
  const detailOf = ({ accessJti, refreshJti, kid, ...session }: EarlierSession) => ({
    ...session,
    deviceInfo: {},
    ipAddress: null,
    createdAt: now,
    lastUsedAt: now,
    absoluteEndAt: now + 30 * DAY_MS,
    idleMs: 7 * DAY_MS,
    idleEndAt: now + 7 * DAY_MS,
    ...(isOld ? {} : { accessMs: 3_600_000, credentialVersion: record.credentialVersion }),
    lineage: { current: { accessJti, refreshJti, kid, issuedAt: now }, previousJti: null },
  });
  return [
    ['CREATE TABLE copy (one INTEGER PRIMARY KEY CHECK (one = 1), record TEXT NOT NULL)'],
    ['CREATE TABLE ban (one INTEGER PRIMARY KEY CHECK (one = 1), reason TEXT, until INTEGER)'],
    ['CREATE TABLE sessions (id TEXT PRIMARY KEY, opened INTEGER NOT NULL, detail TEXT NOT NULL)'],
    [
      `CREATE TABLE notes (liveId TEXT, sid TEXT, claims INTEGER NOT NULL, firstAt INTEGER NOT NULL,
         lastAt INTEGER NOT NULL, PRIMARY KEY (liveId, sid))`,
    ],
    [
      `CREATE TABLE outbox (liveId TEXT, sid TEXT, attempts INTEGER NOT NULL, dueAt INTEGER NOT NULL,
         PRIMARY KEY (liveId, sid))`,
    ],
    ...(isOld
      ? []
      : ([
          ['CREATE TABLE erased (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL)'],
          ['CREATE TABLE visited (liveId TEXT PRIMARY KEY, at INTEGER NOT NULL)'],
        ] as Statement[])),
    ['INSERT INTO copy VALUES (1, ?)', JSON.stringify(isOld ? members : { ...members, keptSid })],
    ...sessions.map(
      (session, index): Statement => [
        'INSERT INTO sessions VALUES (?, ?, ?)',
        session.id,
        index + 1,
        JSON.stringify(detailOf(session)),
      ],
    ),
    ...notes.map(
      ({ liveId, sid }): Statement => ['INSERT INTO notes VALUES (?, ?, 1, ?, ?)', liveId, sid, now, now],
    ),
    ...(isOld
      ? []
      : notes.map(({ liveId }): Statement => ['INSERT OR IGNORE INTO visited VALUES (?, ?)', liveId, now])),
    ...outbox.map(
      ({ liveId, sid }): Statement => ['INSERT INTO outbox VALUES (?, ?, 0, ?)', liveId, sid, now],
    ),
  ];
}
