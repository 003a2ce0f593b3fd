import { createOutbox } from '../../platform/outbox.ts';
import type { SchemaStep } from '../../platform/schema.ts';

/** The table by which an object is known that was made before versions were kept. */
export const LEGACY_TABLE = 'sessions';

/** As they were when steps began. Objects that are older lack `erased` and `visited`; all of those have an `outbox`. */
const tables: SchemaStep = sql => {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS copy (one INTEGER PRIMARY KEY CHECK (one = 1), record TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS erased (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS ban (one INTEGER PRIMARY KEY CHECK (one = 1), reason TEXT, until INTEGER);
    CREATE TABLE IF NOT EXISTS sessions
      (id TEXT PRIMARY KEY, opened INTEGER NOT NULL, detail TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS notes
      (liveId TEXT, sid TEXT, claims INTEGER NOT NULL, firstAt INTEGER NOT NULL, lastAt INTEGER NOT NULL,
       PRIMARY KEY (liveId, sid));
    CREATE TABLE IF NOT EXISTS visited (liveId TEXT PRIMARY KEY, at INTEGER NOT NULL);
    INSERT OR IGNORE INTO visited (liveId, at) SELECT liveId, max(lastAt) FROM notes GROUP BY liveId;
  `);
};

/** The outbox every class of objects can have. An empty `sid` stood for the news that the user is erased. */
const typedOutbox: SchemaStep = sql => {
  const isNew = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").toArray().length === 0;
  if (isNew) return createOutbox(sql);
  sql.exec('ALTER TABLE outbox RENAME TO earlierOutbox');
  createOutbox(sql);
  sql.exec(`
    INSERT INTO outbox (targetKind, targetId, key, message, attempts, dueAt)
      SELECT 'live_session', liveId,
        CASE sid WHEN '' THEN 'erased' ELSE 'signed_out ' || sid END,
        CASE sid WHEN '' THEN json_object('kind', 'erased')
          ELSE json_object('kind', 'signed_out', 'sid', sid) END,
        attempts, dueAt
      FROM earlierOutbox;
    DROP TABLE earlierOutbox;
  `);
};

/** A device session as it was stored before it could have several sign-ins. The oldest lack the last two members. */
interface EarlierSession {
  id: string;
  openedBy: string;
  createdAt: number;
  absoluteEndAt: number;
  idleEndAt: number | null;
  lineage: { current: unknown; previousJti: string | null };
  accessMs?: number;
  credentialVersion?: number;
}

const OPENED_BY: Record<string, string> = { A: 'sdk', C: 'account', D: 'directory' };
/** What an access token lived by default when its device session did not say so. */
const ACCESS_MS = 3_600_000;

/** Device sessions hold a list of sign-ins, and name the surface that opened them by a word. */
const lineages: SchemaStep = sql => {
  const [copy] = sql.exec<{ record: string }>('SELECT record FROM copy').toArray();
  const held: { credentialVersion?: number } = copy ? JSON.parse(copy.record) : {};
  const rows = sql.exec<{ id: string; detail: string }>('SELECT id, detail FROM sessions').toArray();
  for (const { id, detail } of rows) {
    const { lineage, absoluteEndAt, idleEndAt, ...session }: EarlierSession = JSON.parse(detail);
    const rewritten = {
      accessMs: ACCESS_MS,
      credentialVersion: held.credentialVersion ?? 1,
      ...session,
      openedBy: OPENED_BY[session.openedBy] ?? session.openedBy,
      // Its tokens name no sign-in: the id of the device session stands for the only one.
      lineages: [{ ...lineage, id, signedInAt: session.createdAt, absoluteEndAt, idleEndAt }],
    };
    sql.exec('UPDATE sessions SET detail = ? WHERE id = ?', JSON.stringify(rewritten), id);
  }
};

/** A number that every end of all device sessions raises: an authToken of a lower one is worth nothing. */
const epoch: SchemaStep = sql => {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS epoch (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL)',
  );
};

/** A ban says since when it holds, and which secret key put it. */
const toldBans: SchemaStep = sql => {
  sql.exec('ALTER TABLE ban ADD COLUMN since INTEGER');
  sql.exec('ALTER TABLE ban ADD COLUMN keyId TEXT');
};

/** In order. A step is never edited once released; a change is a new one at the end. */
export const steps: readonly SchemaStep[] = [tables, typedOutbox, lineages, epoch, toldBans];
