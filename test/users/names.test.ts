/** Names that were looked up lately: kept for a minute, never for whoever was erased here, and never for a write. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { forgetName, requireNamed } from '../../src/users/lookup-service.ts';
import { basic, PASSWORD, register } from '../support/accounts.ts';
import { call, keys, trips } from '../support/client.ts';
import { tablesOf } from '../support/objects.ts';

afterEach(() => {
  vi.useRealTimers();
});

const headers = { 'x-server-key': keys.secretKey };
const MOST_NAMES = 10_000;
const KEPT_MS = 60_000;

/** Makes users by the hundred; their names are `<name>-<number from 1>`. */
async function populate(name: string, count: number): Promise<string[]> {
  await env.DB.prepare(
    `INSERT INTO users (userId, entry, createdAt, updatedAt)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     SELECT ?1 || '-' || i, 'closed', 0, 0 FROM n`,
  )
    .bind(name, count)
    .run();
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

/** Marks a user as another isolate would. */
const mark = (userId: string) =>
  env.DB.prepare('UPDATE users SET erasedAt = 1 WHERE userId = ?').bind(userId).run();

/** Asks at an instant of one's choice; `read`: how often D1 was asked. */
async function ask(userIds: readonly string[], at = Date.now()) {
  const counted = { d1: 0, objects: 0 };
  const found = await requireNamed({ db: openDatabase(env.DB, counted), now: () => at }, userIds);
  return { found: found.map(({ userId }) => userId), uids: found.map(({ uid }) => uid), read: counted.d1 };
}

const presence = (userIds: string) => call('GET', `/v1/users/${userIds}/presence`, { headers });
const tokens = (userId: string) => call('GET', `/v1/users/${userId}/tokens`, { headers });

describe('names that are kept', () => {
  it('are found beside new ones, also when there is no room for these', async () => {
    const names = await populate('full', MOST_NAMES);
    const [first = '', second = ''] = names;
    const [fresh = ''] = await populate('fresh', 1);
    expect((await ask(names)).found).toEqual(names);
    expect(await ask([first, second])).toMatchObject({ read: 0 });
    expect(await ask([first, fresh, second])).toMatchObject({ found: [first, fresh, second], read: 1 });
    // Room was made: what is kept is bounded.
    expect((await ask([second])).read).toBe(1);
  });

  it('are found beside new ones by many at once, when there is room for none of them', async () => {
    const names = await populate('crowded', MOST_NAMES);
    const [known = ''] = names;
    const fresh = await populate('crowded-fresh', 40);
    await ask(names);
    const answers = await Promise.all(fresh.map(name => ask([known, name, known])));
    expect(answers.map(({ found }) => found)).toEqual(fresh.map(name => [known, name, known]));
    const rows = await env.DB.prepare(
      "SELECT id FROM users WHERE userId LIKE 'crowded-fresh-%' ORDER BY id",
    ).raw();
    expect(answers.map(({ uids }) => uids[1])).toEqual(rows.flat());
  });

  it('are asked for once in a minute', async () => {
    const [name = ''] = await populate('once', 1);
    const at = Date.now();
    expect((await ask([name], at)).read).toBe(1);
    expect((await ask([name], at + KEPT_MS - 1)).read).toBe(0);
    expect((await ask([name], at + KEPT_MS)).read).toBe(1);
  });

  it('are not kept for longer where a clock goes back', async () => {
    const [name = ''] = await populate('from-the-future', 1);
    const at = Date.now();
    await ask([name], at + 10 * KEPT_MS);
    await mark(name);
    await expect(ask([name], at)).rejects.toMatchObject({ code: 'user_not_found' });
  });

  it('are not those of nobody: whoever is made after they were asked for is found', async () => {
    await expect(ask(['made-later-1'])).rejects.toMatchObject({
      code: 'user_not_found',
    });
    await populate('made-later', 1);
    expect((await ask(['made-later-1'])).found).toEqual(['made-later-1']);
  });

  it('are forgotten for one user without another', async () => {
    const [one = '', other = ''] = await populate('forgotten', 2);
    await ask([one, other]);
    forgetName(one);
    expect([(await ask([other])).read, (await ask([one])).read]).toEqual([0, 1]);
  });
});

describe('who is erased', () => {
  it('is unknown at once where they were erased', async () => {
    const [byServer = ''] = await populate('erased-by-server', 1);
    const account = await register('erasedSelf');
    for (const userId of [byServer, account.userId]) {
      expect([(await presence(userId)).status, (await tokens(userId)).status]).toEqual([200, 200]);
    }
    expect((await call('DELETE', `/v1/users/${byServer}`, { headers })).status).toBe(200);
    const self = basic('erasedSelf', PASSWORD);
    expect((await call('DELETE', '/users/me', { headers: self })).status).toBe(200);
    for (const userId of [byServer, account.userId]) {
      const unknown = { status: 404, body: { errorCode: 'user_not_found' } };
      expect(await presence(userId)).toMatchObject(unknown);
      expect(await tokens(userId)).toMatchObject(unknown);
    }
  });

  it('is unknown everywhere after a minute', async () => {
    const [gone = '', stays = ''] = await populate('erased-elsewhere', 2);
    const at = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: at });
    expect((await presence(`${gone},${stays}`)).status).toBe(200);
    await mark(gone);
    vi.setSystemTime(at + KEPT_MS - 1);
    expect(trips(await tokens(stays))[0]).toBeLessThanOrEqual(1);
    vi.setSystemTime(at + KEPT_MS);
    expect((await presence(gone)).status).toBe(404);
    expect((await presence(`${stays},${gone}`)).status).toBe(404);
    expect((await tokens(gone)).status).toBe(404);
    expect((await presence(stays)).status).toBe(200);
  });

  it('gets no presence any more from a secret key, though their name is kept', async () => {
    const [gone = ''] = await populate('erased-present', 1);
    expect((await presence(gone)).status).toBe(200);
    const uid = (await ask([gone])).uids[0];
    await mark(gone);
    // Still kept: what only reads may be a minute late.
    expect((await ask([gone])).read).toBe(0);
    const set = () => call('POST', `/v1/users/${gone}/presence`, { headers, body: { type: 'Here' } });
    expect(await set()).toMatchObject({ status: 404, body: { errorCode: 'user_not_found' } });
    expect(await tablesOf(env.USER_PRESENCE.getByName(String(uid)))).toEqual([]);
  });

  it('is written to by nothing any more, though their name is kept', async () => {
    const [gone = ''] = await populate('erased-writes', 1);
    expect((await tokens(gone)).status).toBe(200);
    const uid = (await ask([gone])).uids[0];
    await mark(gone);
    const row = () => env.DB.prepare('SELECT * FROM users WHERE id = ?').bind(uid).first();
    const before = await row();
    for (const [method, rest, body] of [
      ['POST', '/locators', { locator: 'email:written-late@example.com' }],
      ['DELETE', '/locators/unknown'],
      ['PUT', '/screenname', { screenName: 'Written late' }],
      ['POST', '/tokens', {}],
      ['PUT', '/tokens/unknown', { ttl: 60 }],
      ['DELETE', '/tokens/unknown'],
      ['POST', '/presence', { type: 'Late' }],
      ['PUT', '/ban', {}],
      ['DELETE', ''],
    ] as const) {
      const answer = await call(method, `/v1/users/${gone}${rest}`, { headers, body });
      expect([method, rest, answer.status]).toEqual([method, rest, 404]);
    }
    expect(await row()).toEqual(before);
    const written = env.DB.prepare('SELECT count(*) AS n FROM locators WHERE uid = ?').bind(uid);
    expect(await written.first('n')).toBe(0);
    expect(await tablesOf(env.DEVICE_SESSIONS.getByName(String(uid)))).toEqual([]);
    expect(await tablesOf(env.USER_PRESENCE.getByName(String(uid)))).toEqual([]);
  });
});
