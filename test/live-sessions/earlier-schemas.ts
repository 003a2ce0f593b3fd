/** Live sessions as earlier releases made them: their tables, and what their JSON values lacked. */

export interface EarlierSchema {
  name: string;
  tables: string;
  /** Columns of `members` it had. */
  memberColumns: string;
  /** Members of `session` and `state` that came later. */
  lacks: readonly string[];
}

const base = (members: string, signedOut: string, more: string) => `
  CREATE TABLE memory (name TEXT PRIMARY KEY, detail TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE counter (seq INTEGER NOT NULL);
  INSERT INTO counter (seq) VALUES (0);
  CREATE TABLE allowed (address TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE people (subject TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, wallets TEXT NOT NULL);
  CREATE TABLE members (seat INTEGER PRIMARY KEY AUTOINCREMENT, mid TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL UNIQUE, id TEXT NOT NULL, name TEXT NOT NULL, address TEXT${members});
  CREATE TABLE credentials (sid TEXT PRIMARY KEY, mid TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX credentialsOfMember ON credentials (mid);
  CREATE TABLE bars (subject TEXT PRIMARY KEY, by TEXT NOT NULL, reason TEXT) WITHOUT ROWID;
  CREATE TABLE barredWallets (address TEXT, subject TEXT, PRIMARY KEY (address, subject)) WITHOUT ROWID;
  CREATE TABLE signedOut (sid TEXT PRIMARY KEY${signedOut}) WITHOUT ROWID;
  CREATE TABLE attempts (subject TEXT PRIMARY KEY, lastAt INTEGER NOT NULL, detail TEXT NOT NULL);
  CREATE INDEX attemptsByAge ON attempts (lastAt);
  ${more}`;

const forgotten = 'CREATE TABLE forgotten (subject TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;';
const files = `
  CREATE TABLE files (fileKey TEXT PRIMARY KEY, fileName TEXT NOT NULL, contentType TEXT NOT NULL,
    sizeInBytes INTEGER NOT NULL, creatorId TEXT NOT NULL, createdAt INTEGER NOT NULL, r2Key TEXT NOT NULL,
    subject TEXT NOT NULL, stored INTEGER NOT NULL);
  CREATE INDEX guests ON members (guestOf) WHERE guestOf IS NOT NULL;`;
const at = ', at INTEGER NOT NULL';
const rules = ['allowGuests', 'memberTimeoutMs', 'maxFiles', 'maxTotalMegaBytes', 'guestCount'];
const columns = 'seat, mid, subject, id, name, address';

export const earlierSchemas: readonly EarlierSchema[] = [
  { name: 'the first', tables: base('', '', ''), memberColumns: columns, lacks: rules },
  {
    name: 'the one with forgotten joins',
    tables: base('', at, forgotten),
    memberColumns: columns,
    lacks: rules,
  },
  {
    name: 'the one with guests and files',
    tables: base(
      ', guestOf TEXT, seenAt INTEGER NOT NULL',
      at,
      `${forgotten}${files} CREATE INDEX membersBySeen ON members (seenAt);`,
    ),
    memberColumns: `${columns}, guestOf, seenAt`,
    lacks: [],
  },
  {
    name: 'the last without a version',
    tables: base(
      ', guestOf TEXT, online INTEGER NOT NULL, seenAt INTEGER NOT NULL',
      at,
      `${forgotten}${files}
       CREATE INDEX membersBySeen ON members (seenAt) WHERE online = 0;
       CREATE INDEX reservations ON files (createdAt) WHERE stored = 0;`,
    ),
    memberColumns: `${columns}, guestOf, online, seenAt`,
    lacks: [],
  },
];

/** Turns a live session that stands into one that this earlier release made: same people, same credentials. */
export function takeBackTo({ tables, memberColumns, lacks }: EarlierSchema, { sql }: DurableObjectStorage) {
  const rows = (query: string) => sql.exec(query).toArray();
  const detail = (name: string): string => {
    const value = JSON.parse(String(rows(`SELECT detail FROM memory WHERE name = '${name}'`)[0]?.detail));
    for (const member of lacks) delete value[member];
    return JSON.stringify(value);
  };
  const [session, state] = [detail('session'), detail('state')];
  const kept = {
    members: rows(`SELECT ${memberColumns} FROM members`),
    people: rows(`
      SELECT subject, id, (SELECT json_group_array(wallet) FROM held WHERE held.subject = people.subject) AS wallets
      FROM people`),
    credentials: rows('SELECT sid, mid FROM credentials'),
  };
  for (const { name } of rows(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'",
  )) {
    sql.exec(`DROP TABLE ${name}`);
  }
  sql.exec(tables);
  sql.exec("INSERT INTO memory VALUES ('session', ?), ('state', ?)", session, state);
  for (const [table, each] of Object.entries(kept)) {
    for (const row of each) {
      const names = Object.keys(row);
      const marks = names.map(() => '?').join(', ');
      sql.exec(`INSERT INTO ${table} (${names}) VALUES (${marks})`, ...Object.values(row));
    }
  }
}
