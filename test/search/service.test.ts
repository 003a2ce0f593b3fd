/** Finding users by a piece of a name: which are found, in which order, and at what price. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { findByUsernamePrefix, searchUsers } from '../../src/search/store.ts';
import { metered } from '../support/search-meter.ts';

interface Names {
  username?: string;
  displayName?: string;
}

beforeEach(async () => {
  await env.DB.batch(['users', 'photos'].map(table => env.DB.prepare(`DELETE FROM ${table}`)));
});

async function add({ username, displayName }: Names): Promise<number> {
  const { results } = await env.DB.prepare(
    `INSERT INTO users (userId, entry, username, displayName, description, lastSeenAt, createdAt, updatedAt)
     VALUES (?, 'closed', ?, ?, 'about', 5, 0, 0) RETURNING id`,
  )
    .bind(crypto.randomUUID(), username ?? null, displayName ?? null)
    .all<{ id: number }>();
  return results[0]?.id as number;
}

const change = (id: number, set: string) => env.DB.exec(`UPDATE users SET ${set} WHERE id = ${id}`);

const search = (text: string, { afterId = 0, limit = 20, onlyNamed = false } = {}) =>
  metered(db => searchUsers(db, text, { afterId, limit, onlyNamed }));

const idsOf = async (text: string, options = {}) =>
  (await search(text, options)).users.map(({ id }: { id: number }) => id);

const begin = (
  text: string,
  { afterUsername, limit = 20 }: { afterUsername?: string; limit?: number } = {},
) =>
  metered(db =>
    findByUsernamePrefix(db, text, { ...(afterUsername !== undefined && { afterUsername }), limit }),
  );

/** Whether both indexes say of everybody what the table says of them. */
async function checkIndexes(): Promise<void> {
  for (const index of ['userSearch', 'namedSearch']) {
    await env.DB.exec(`INSERT INTO ${index} (${index}, rank) VALUES ('integrity-check', 1)`);
  }
}

/** What the indexes hold, byte for byte. */
async function indexed(): Promise<string> {
  const blocks = (index: string) => env.DB.prepare(`SELECT id, hex(block) FROM ${index}_data`).raw();
  return (await Promise.all(['userSearch', 'namedSearch'].map(blocks))).join();
}

describe('a text', () => {
  it('is found anywhere in a name or a username, without regard to case', async () => {
    const byName = await add({ displayName: 'Augusta Ada King' });
    const byUsername = await add({ username: 'TheAdaOfAll' });
    await add({ username: 'charles', displayName: 'Charles Babbage' });
    for (const text of ['ada', 'ADA', 'aDa']) expect(await idsOf(text)).toEqual([byName, byUsername]);
    expect(await idsOf('usta ada k')).toEqual([byName]);
    expect(await idsOf('daofa')).toEqual([byUsername]);
  });

  it('is found once where the name and the username both have it', async () => {
    const id = await add({ username: 'lovelace', displayName: 'Ada Lovelace' });
    expect(await idsOf('lovelace')).toEqual([id]);
  });

  it('is found in any script, without regard to case', async () => {
    const cases: [string, string[]][] = [
      ['Пётр Ильич', ['ПЁТР', 'пётр', 'тр иль']],
      ['Ευρυδίκης ΟΔΟΣ', ['δίκησ', 'ΔΊΚΗΣ', 'οδος']],
      ['山田太郎', ['山田太', '田太郎']],
      ['Zoë Straße', ['ZOË', 'straß', 'oë str']],
      ['👩🏽‍🚀 Mae 🚀🚀🚀', ['🚀🚀🚀', '🚀 mae 🚀']],
      ['محمد علي', ['حمد ع']],
    ];
    for (const [displayName, texts] of cases) {
      const id = await add({ displayName });
      for (const text of texts) expect(await idsOf(text), text).toEqual([id]);
    }
    expect(await idsOf('петр')).toEqual([]);
    expect(await idsOf('zoe')).toEqual([]);
  });

  it('is not found where its pieces stand elsewhere in the name, or some in the name and some in the username', async () => {
    await add({ displayName: 'abcx bcde cdef' });
    await add({ username: 'xabcd', displayName: 'bcdef' });
    await add({ displayName: 'абвг вгда' });
    expect(await idsOf('abcde')).toEqual([]);
    expect(await idsOf('абвгд')).toEqual([]);
  });

  it('means nothing but itself, whatever FTS5 or LIKE would read in it', async () => {
    const texts = [
      '"""',
      'a"b',
      '" OR "',
      'AND',
      'NOT x',
      'a OR b',
      '***',
      'ab*',
      '^ab',
      'NEAR(a b)',
      'username:a',
      '{a} : b',
      '- ab',
      '+ab',
      '%%%',
      'a%b',
      'a_b',
      '___',
      '(((',
      "'; --",
      '\\"x',
    ];
    await add({ username: 'aXb', displayName: 'ab abc a b' });
    for (const text of texts) {
      expect(await idsOf(text), text).toEqual([]);
      const id = await add({ displayName: `<${text}>` });
      expect(await idsOf(text), text).toEqual([id]);
      await env.DB.exec(`DELETE FROM users WHERE id = ${id}`);
    }
  });

  it('is not found where no name could have it', async () => {
    await add({ username: 'abcde', displayName: 'abc abc' });
    for (const text of ['a\0bc', 'abc\0', '\0\0\0', 'abc\ud800', 'a\nb c'])
      expect(await idsOf(text)).toEqual([]);
    expect((await begin('a\0')).users).toEqual([]);
  });
});

describe('who is found', () => {
  it('has the new name and not the old one', async () => {
    const id = await add({ username: 'before', displayName: 'Ada' });
    await change(id, "displayName = 'Grace'");
    await change(id, "username = 'after'");
    expect([await idsOf('ada'), await idsOf('before')]).toEqual([[], []]);
    expect([await idsOf('grace'), await idsOf('after')]).toEqual([[id], [id]]);
    await checkIndexes();
  });

  it('is gone once the erasure is marked, and when the row is', async () => {
    const marked = await add({ username: 'marked', displayName: 'Canary' });
    const deleted = await add({ displayName: 'Canary' });
    await change(marked, 'erasedAt = 1');
    await env.DB.exec(`DELETE FROM users WHERE id = ${deleted}`);
    expect(await idsOf('canary')).toEqual([]);
    expect((await begin('ma')).users).toEqual([]);
    await change(marked, "displayName = 'Canary again', username = NULL");
    expect(await idsOf('canary')).toEqual([]);
    await env.DB.exec(`DELETE FROM users WHERE id = ${marked}`);
    await checkIndexes();
  });

  it('has a username where only those may be shown, from the moment they have one', async () => {
    const nameless = await add({ displayName: 'Canary one' });
    const named = await add({ username: 'second', displayName: 'Canary two' });
    const late = await add({ displayName: 'Canary three' });
    expect(await idsOf('canary')).toEqual([nameless, named, late]);
    expect(await idsOf('canary', { onlyNamed: true })).toEqual([named]);
    await change(late, "username = 'third'");
    expect(await idsOf('canary')).toEqual([nameless, named, late]);
    expect(await idsOf('canary', { onlyNamed: true })).toEqual([named, late]);
    await checkIndexes();
  });

  it('comes with what others may see, pictures in order', async () => {
    const id = await add({ username: 'pictured', displayName: 'Ada' });
    const other = await add({ username: 'plain', displayName: 'Ada' });
    const insert = env.DB.prepare("INSERT INTO photos VALUES (?, ?, 'png', 7, 10, 20, ?)");
    await env.DB.batch([insert.bind('later', id, 2), insert.bind('earlier', id, 1)]);
    const picture = { fileType: 'png', fileSize: 7, previewWidth: 10, previewHeight: 20 };
    const pictured = {
      id,
      username: 'pictured',
      displayName: 'Ada',
      description: 'about',
      lastSeenAt: 5,
      photos: [
        { id: 'earlier', ...picture, createdAt: 1 },
        { id: 'later', ...picture, createdAt: 2 },
      ],
    };
    const plain = { ...pictured, id: other, username: 'plain', photos: [] };
    expect((await search('ada')).users).toEqual([pictured, plain]);
    expect((await begin('pi')).users).toEqual([pictured]);
  });
});

describe('pages', () => {
  it('go on by id, whoever joins or leaves in between, and end', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      ids.push(await add({ displayName: 'Canary', ...(n % 3 === 0 && { username: `named${n}` }) }));
    }
    const first = await search('canary', { limit: 3 });
    expect(first.users.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    await env.DB.exec(`DELETE FROM users WHERE id = ${ids[1]}`);
    const joined = await add({ username: 'joined', displayName: 'Canary' });
    const second = await search('canary', { limit: 3, afterId: first.next as number });
    expect(second.users.map(({ id }) => id)).toEqual(ids.slice(3, 6));
    const third = await search('canary', { limit: 3, afterId: second.next as number });
    expect(third.users.map(({ id }) => id)).toEqual([ids[6], joined]);
    expect(third.next).toBe(null);
  });

  it('have no next where the last one is exactly full', async () => {
    for (let n = 0; n < 3; n += 1) await add({ displayName: 'Canary' });
    expect(await search('canary', { limit: 3 })).toMatchObject({ users: { length: 3 }, next: null });
  });

  it('may be short where many only seem to match, and lose nobody', async () => {
    await env.DB.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       INSERT INTO users (userId, entry, username, displayName, createdAt, updatedAt)
       SELECT 'seed' || i, 'open', iif(i % 3 = 0, 'named' || i, NULL),
         iif(i % 1500 = 0 OR i = 1, 'xaaaax', 'xaaax'), 0, 0
       FROM n`.replaceAll('\n', ' '),
    );
    for (const onlyNamed of [true, false]) {
      const { results } = await env.DB.prepare(
        `SELECT id FROM users WHERE displayName = 'xaaaax' ${onlyNamed ? 'AND username IS NOT NULL' : ''} ORDER BY id`,
      ).all<{ id: number }>();
      const found: number[] = [];
      let pages = 0;
      for (let afterId: number | null = 0; afterId !== null; pages += 1) {
        const page = await search('aaaa', { afterId, onlyNamed, limit: 2 });
        expect(page.rowsRead).toBeLessThan(2500);
        found.push(...page.users.map(({ id }) => id));
        afterId = page.next;
      }
      expect(found).toEqual(results.map(({ id }) => id));
      expect([found.length, pages]).toEqual(onlyNamed ? [2, 3] : [3, 7]);
    }
  });
});

describe('two characters', () => {
  it('find usernames that begin with them, in their order, page by page', async () => {
    for (const username of ['Adam1', 'acorn', 'adAbc', 'ADzzz', 'aeons', 'xadam']) await add({ username });
    await add({ displayName: 'adams' });
    const first = await begin('aD', { limit: 2 });
    expect(first.users.map(({ username }) => username)).toEqual(['adAbc', 'Adam1']);
    const second = await begin('aD', { limit: 2, afterUsername: first.next as string });
    expect(second.users.map(({ username }) => username)).toEqual(['ADzzz']);
    expect([first.next, second.next]).toEqual(['adam1', null]);
  });

  it('find nobody else, whatever the place to go on from says', async () => {
    for (const username of ['abcde', 'adams', 'aeons']) await add({ username });
    expect((await begin('ad', { afterUsername: 'aa' })).users).toMatchObject([{ username: 'adams' }]);
    expect((await begin('ad', { afterUsername: 'zz' })).users).toEqual([]);
    for (const text of ['%%', 'a%', '__', '""', "''", 'я1', '🚀🚀'])
      expect((await begin(text)).users).toEqual([]);
  });
});

describe('the price', () => {
  it('is one trip, and what is shown, not what is there', async () => {
    await env.DB.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
       INSERT INTO users (userId, entry, username, displayName, createdAt, updatedAt)
       SELECT 'seed' || i, 'open', iif(i % 2, 'canary' || i, NULL), 'Some Canary', 0, 0 FROM n`.replaceAll(
        '\n',
        ' ',
      ),
    );
    const { results } = await env.DB.prepare('SELECT id FROM users ORDER BY id LIMIT 1 OFFSET 1500').all<{
      id: number;
    }>();
    const afterId = results[0]?.id as number;
    for (const place of [{}, { afterId }]) {
      for (const onlyNamed of [true, false]) {
        const page = await search('canary', { onlyNamed, limit: 10, ...place });
        expect(page).toMatchObject({ users: { length: 10 }, trips: 1 });
        expect(page.rowsRead).toBeLessThan(200);
      }
    }
    for (const place of [{}, { afterUsername: 'canary1500' }]) {
      const prefix = await begin('ca', { limit: 10, ...place });
      expect(prefix).toMatchObject({ users: { length: 10 }, trips: 1 });
      expect(prefix.rowsRead).toBeLessThan(50);
    }
  });

  it('is not paid by changes that leave the names as they are, nor by users without any', async () => {
    const id = await add({ username: 'priced', displayName: 'Price' });
    const before = await indexed();
    await change(id, "version = 2, lastSeenAt = 9, description = 'x'");
    await change(id, "username = 'priced', displayName = 'Price', version = 3");
    await change(await add({}), 'version = 2, erasedAt = 1');
    await env.DB.exec('DELETE FROM users WHERE username IS NULL');
    expect(await indexed()).toBe(before);
    await change(id, "displayName = 'Other'");
    expect(await indexed()).not.toBe(before);
  });
});
