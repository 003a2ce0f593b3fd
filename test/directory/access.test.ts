/** Who may call the directory, and how; and what of users, their locators and their profiles it finds then. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { shardName } from '../../src/platform/objects.ts';
import { shardOf } from '../../src/single-use/rules.ts';
import { type Answer, call, keys, ORIGIN, signIn } from '../support/client.ts';
import { type Signing, signed } from '../support/signing.ts';

afterEach(() => {
  vi.useRealTimers();
});

const headers = { 'x-server-key': keys.secretKey };
const OWN_HEADER = 'X-Issued-Mitter-User-Authorization';
const bySystem = (method: string, path: string, body?: unknown) => call(method, path, { headers, body });
const create = (userId: string, extra: Record<string, unknown> = {}) =>
  bySystem('POST', '/v1/users', { userId, screenName: { screenName: userId }, ...extra });
const idsOf = ({ body }: Answer) => body.map(({ userId }: { userId: string }) => userId);

async function issue(userId: string): Promise<{ token: string; link: string }> {
  const { body } = await bySystem('POST', `/v1/users/${userId}/tokens`, {});
  const { pathname, search } = new URL(body.userToken.logoutUrl);
  return { token: body.userToken.signedToken, link: pathname + search };
}

const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;

describe('two credentials', () => {
  const conflict = { status: 400, body: { errorCode: 'conflicting_credentials' } };

  it('are refused where they name different ones, and are one where they are the same', async () => {
    await create('two-headers');
    const [{ token }, other] = [await issue('two-headers'), await issue('two-headers')];
    const stranger = await signIn('header-stranger');
    const at = (own: string, given: Record<string, string> = {}) =>
      call('GET', '/v1/users/me', { token, headers: { [OWN_HEADER]: own, ...given } });
    // Of one user, too: which of the two tokens calls decides what the call ends.
    for (const second of [other.token, stranger.accessToken])
      expect(await at(second)).toMatchObject(conflict);
    for (const same of [token, `Bearer ${token}`]) {
      expect(await at(same)).toMatchObject({ status: 200, body: { userId: 'two-headers' } });
    }
    expect(await at(token, headers)).toMatchObject(conflict);
    expect((await at('x.y.z')).status).toBe(401);
    const keyBeside = await call('GET', '/v1/users/two-headers', {
      headers: { ...headers, [OWN_HEADER]: token },
    });
    expect(keyBeside).toMatchObject(conflict);
  });

  it.each([
    ['Authorization', (token: string) => ({ authorization: `Bearer ${token}` })],
    ['a secret key', () => headers],
    ['the directory’s own header', (token: string) => ({ [OWN_HEADER]: token })],
  ])('are refused where one is a logout link and the other %s, and nothing ends', async (_, beside) => {
    const userId = `link-${crypto.randomUUID()}`;
    await create(userId);
    const [linked, other] = [await issue(userId), await issue(userId)];
    for (const { token } of [linked, other]) {
      expect(await call('GET', linked.link, { headers: beside(token) })).toMatchObject(conflict);
    }
    expect([await verify(linked.token), await verify(other.token)]).toEqual([200, 200]);
  });
});

describe('the logout link', () => {
  it('ends nothing where it is merely looked at', async () => {
    await create('looked-at-link');
    const { token, link } = await issue('looked-at-link');
    const looked = await call('HEAD', link);
    expect([looked.status, looked.body]).toEqual([200, '']);
    const byHeader = await call('HEAD', '/v1/users/me/logout', { token });
    expect([byHeader.status, await verify(token)]).toEqual([200, 200]);
    expect((await call('GET', link)).status).toBe(200);
    expect(await verify(token)).toBe(401);
  });

  it.each([
    ['no Accept', {}, false],
    ['any type', { accept: '*/*' }, false],
    ['JSON', { accept: 'application/json' }, false],
    ['JSON rather than a page', { accept: 'text/html;q=0.5, application/json' }, false],
    ['a page', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, true],
  ])('answers who accepts %s accordingly', async (_, accept, isPage) => {
    const userId = `page-${crypto.randomUUID()}`;
    await create(userId);
    const { link } = await issue(userId);
    const answer = await call('GET', link, { headers: accept as Record<string, string> });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type') ?? '').toMatch(isPage ? /^text\/html/ : /^$/);
    expect(answer.body === '').toBe(!isPage);
  });
});

it('takes another spelling of a path as the path it means, for every credential', async () => {
  await create('spelled-path');
  const { token } = await issue('spelled-path');
  const credentials = [
    {},
    { authorization: `Bearer ${token}` },
    { [OWN_HEADER]: token },
    { authorization: `Bearer ${token}`, [OWN_HEADER]: (await issue('spelled-path')).token },
    headers,
    { [OWN_HEADER]: 'x.y.z' },
  ];
  const seen: number[] = [];
  for (const given of credentials) {
    const [plain, encoded] = await Promise.all(
      ['/v1/users/me', '/%761/users/me'].map(path => call('GET', path, { headers: given })),
    );
    const { requestId: _, ...expected } = plain?.body ?? {};
    expect(encoded).toMatchObject({ status: plain?.status, body: expected });
    seen.push(plain?.status ?? 0);
  }
  expect(seen).toEqual([401, 200, 200, 400, 400, 401]);
  expect((await signed({ method: 'GET', path: '/%761/keys' })).status).toBe(200);
});

it('lets pages of allowed origins send the directory’s own header', async () => {
  const preflight = await exports.default.fetch(
    new Request(`${ORIGIN}/v1/users/me`, {
      method: 'OPTIONS',
      headers: {
        Origin: ORIGIN,
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': OWN_HEADER.toLowerCase(),
      },
    }),
  );
  expect(preflight.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  const allowed = preflight.headers
    .get('access-control-allow-headers')
    ?.toLowerCase()
    .split(/\s*,\s*/);
  expect(allowed).toContain(OWN_HEADER.toLowerCase());
});

describe('S29 a signed request', () => {
  const get = { method: 'GET', path: '/v1/keys' };
  const refused = { status: 401, code: 'invalid_signature' };

  it('is nothing without the body it was signed with', async () => {
    const body = JSON.stringify({ userId: 'stripped-body', screenName: { screenName: 'x' } });
    const post: Signing = { method: 'POST', path: '/v1/users', body };
    expect(await signed({ ...post, sent: { body: '' } })).toMatchObject(refused);
    await create('stripped-token');
    const issuing: Signing = { method: 'POST', path: '/v1/users/stripped-token/tokens', body: '{"ttl":60}' };
    expect(await signed({ ...issuing, sent: { body: '' } })).toMatchObject(refused);
    // Nor with one, where it was signed without.
    const bare: Signing = { ...issuing, body: '', contentType: 'application/json' };
    expect(await signed({ ...bare, sent: { body: '{"ttl":60}' } })).toMatchObject(refused);
    expect((await bySystem('GET', '/v1/users/stripped-token/tokens')).body).toEqual([]);
  });

  it('is of one key: another beside it is refused', async () => {
    const { body: other } = await bySystem('POST', '/v1/keys', { name: 'other', kind: 'secret' });
    const beside = (accessKey: string) => ({ headers: { 'X-Mitter-Application-Access-Key': accessKey } });
    expect(await signed({ ...get, sent: beside(other.accessKey) })).toMatchObject(refused);
    expect(await signed({ ...get, sent: beside(keys.accessKey.toUpperCase()) })).toMatchObject(refused);
    const own = { ...get, accessKey: other.accessKey, accessSecret: other.accessSecret };
    expect(await signed({ ...own, sent: beside(keys.accessKey) })).toMatchObject(refused);
    expect((await signed(own)).status).toBe(200);
  });

  it('keeps its nonce spent for two minutes, whatever the new date, and no longer', async () => {
    const nonce = crypto.randomUUID();
    const now = Math.floor(Date.now() / 1000) * 1000;
    const name = `signed-request ${keys.accessKey.slice(-32)} ${nonce}`;
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(name));
    const shard = env.SINGLE_USE.getByName(shardName('spent', shardOf(new Uint8Array(hash))));
    const at = async (seconds: number) => {
      vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1000 });
      await runDurableObjectAlarm(shard);
      return (await signed({ ...get, nonce })).status;
    };
    expect(await at(0)).toBe(200);
    for (const seconds of [0, 29, 60, 119]) expect([seconds, await at(seconds)]).toEqual([seconds, 401]);
    expect(await at(121)).toBe(200);
    expect(await at(121)).toBe(401);
  });

  it('does not spend the nonce of another key', async () => {
    const { body: other } = await bySystem('POST', '/v1/keys', { name: 'same nonce', kind: 'secret' });
    const nonce = crypto.randomUUID();
    const { accessKey, accessSecret } = other;
    expect((await signed({ ...get, nonce })).status).toBe(200);
    expect((await signed({ ...get, nonce, accessKey, accessSecret })).status).toBe(200);
    expect((await signed({ ...get, nonce, accessKey, accessSecret })).status).toBe(401);
  });
});

describe('the directory', () => {
  it('makes nobody with a locator that a ban goes on refusing', async () => {
    const userLocators = ['email:refused@example.com'];
    await create('banned-for-good', { userLocators: [...userLocators, 'tele:+4930777001'] });
    await bySystem('PUT', '/v1/users/banned-for-good/ban', {});
    expect((await bySystem('DELETE', '/v1/users/banned-for-good')).status).toBe(200);
    const refused = { status: 409, body: { errorCode: 'duplicate_entity' } };
    for (const locators of [
      userLocators,
      ['email:REFUSED@example.com'],
      ['tele:+4930777002', 'tele:+4930777001'],
    ]) {
      expect(await create('comes-again-1', { userLocators: locators })).toMatchObject(refused);
    }
    expect((await bySystem('GET', '/v1/users/comes-again-1')).status).toBe(404);
    await bySystem('DELETE', '/v1/users/banned-for-good/ban');
    expect((await create('comes-again-1', { userLocators })).status).toBe(200);
  });

  it('finds a user by any spelling of their id that is the same to Unicode', async () => {
    const userId = 'Zoë-Ångström'.normalize('NFC');
    const { accessToken: token } = await signIn(userId.normalize('NFD'));
    const path = encodeURIComponent(userId.normalize('NFD'));
    for (const by of [{ headers }, { token }]) {
      expect(await call('GET', `/v1/users/${path}`, by)).toMatchObject({ status: 200, body: { userId } });
      expect((await call('GET', `/v1/users/${path}/screenname`, by)).body.screenNames).toMatchObject([
        { userId },
      ]);
      expect((await call('GET', `/v1/users/${path}/presence`, by)).body.userId).toEqual({
        identifier: userId,
      });
      expect((await call('GET', `/v1/users/${path}/profile`, by)).body.entityId).toEqual({
        identifier: userId,
      });
      expect((await call('GET', `/v1/users/${path}/locators`, by)).status).toBe(200);
      expect((await call('GET', `/v1/users/${path}/tokens`, by)).body).toHaveLength(1);
    }
    const rename = await call('PUT', `/v1/users/${path}/screenname`, { token, body: { screenName: 'Z' } });
    expect(rename.status).toBe(200);
    expect((await bySystem('POST', `/v1/users/${path}/tokens`, {})).status).toBe(200);
  });

  it('says of no page that is the last that another follows, also of a full one', async () => {
    for (let index = 1; index <= 5; index += 1) {
      await create(`full-page-${index}`, { userLocators: [`tele:+493055500${index}`] });
    }
    const standing = 'SELECT count(*) AS n FROM users WHERE erasedAt IS NULL';
    const count = Number(await env.DB.prepare(standing).first('n'));
    const page = (limit: number) => bySystem('GET', `/v1/users?limit=${limit}`);
    expect(count).toBeLessThanOrEqual(100);
    const exact = await page(count);
    expect([exact.body.length, exact.headers.get('link')]).toEqual([count, null]);
    const less = await page(count - 1);
    expect([less.body.length, less.headers.get('link')]).toEqual([
      count - 1,
      expect.stringContaining('rel="next"'),
    ]);
    const [, rest = ''] = /^<([^>]+)>/.exec(less.headers.get('link') ?? '') ?? [];
    const last = await bySystem('GET', rest);
    expect([last.body.length, last.headers.get('link')]).toEqual([1, null]);
    const found = await bySystem('GET', '/v1/users?limit=1&locators=tele:%2B4930555001,tele:%2B4930555002');
    expect([found.body.length, found.headers.get('link')]).toEqual([2, null]);
  });

  it('S47 shows nothing of whoever is marked as erased, though their rows are there still', async () => {
    await create('marked-user', { userLocators: ['email:marked@example.com'] });
    await create('unmarked-user');
    await env.DB.exec("UPDATE users SET erasedAt = 1 WHERE userId = 'marked-user'");
    for (const query of ['', '&withProfileAttributes=*']) {
      const all: string[] = [];
      let path: string | undefined = `/v1/users?limit=20${query}`;
      while (path) {
        const answer: Answer = await bySystem('GET', path);
        all.push(...idsOf(answer));
        path = /^<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1];
      }
      expect(all).toContain('unmarked-user');
      expect(all).not.toContain('marked-user');
      expect((await bySystem('GET', `/v1/users?locators=email:marked@example.com${query}`)).body).toEqual([]);
    }
    const { accessToken: token } = await signIn('asks-of-marked');
    for (const [method, rest, body] of [
      ['GET', ''],
      ['GET', '?withProfileAttributes=*'],
      ['GET', '/screenname'],
      ['GET', '/profile'],
      ['GET', '/presence'],
      ['GET', '/locators'],
      ['GET', '/tokens'],
      ['POST', '/tokens', {}],
      ['POST', '/presence', { type: 'x' }],
      ['POST', '/locators', { locator: 'email:marked-too@example.com' }],
      ['PUT', '/screenname', { screenName: 'x' }],
      ['DELETE', ''],
    ] as const) {
      const answer = await bySystem(method, `/v1/users/marked-user${rest}`, body);
      expect([method, rest, answer.status]).toEqual([method, rest, 404]);
    }
    for (const ids of ['marked-user', 'unmarked-user,marked-user', 'me,marked-user']) {
      expect((await call('GET', `/v1/users/${ids}/screenname`, { token })).status).toBe(404);
      expect((await call('GET', `/v1/users/${ids}/presence`, { token })).status).toBe(404);
    }
    expect((await call('GET', '/v1/users/marked-user', { token })).status).toBe(404);
  });

  it('finds every owner of a contract’s address, one on each chain', async () => {
    const address = `0x${'c0'.repeat(20)}`;
    for (const [index, chainId] of [1, 10].entries()) {
      await create(`contract-owner-${index}`);
      await env.DB.prepare(
        `INSERT INTO locators (userLocatorId, uid, type, value, chainId, reserved, verificationStatus, createdAt)
         SELECT ?, id, 'wallet', ?, ?, 1, 'Verified', 0 FROM users WHERE userId = ?`,
      )
        .bind(crypto.randomUUID(), address, chainId, `contract-owner-${index}`)
        .run();
    }
    for (const spelled of [address, `0x${'C0'.repeat(20)}`]) {
      const found = await bySystem('GET', `/v1/users?locators=wallet:${spelled}`);
      expect(idsOf(found)).toEqual(['contract-owner-0', 'contract-owner-1']);
    }
  });
});

describe('a profile', () => {
  it('is shown whole however large it is, among others too', async () => {
    const value = '"'.repeat(16 * 1024);
    for (const userId of ['large-profile-1', 'large-profile-2']) {
      await create(userId);
      await env.DB.prepare(
        `INSERT INTO profileAttributes (uid, key, contentType, contentEncoding, value)
         WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 73)
         SELECT users.id, 'key-' || i, 'text/plain', 'identity', ?2 FROM n, users WHERE users.userId = ?1`,
      )
        .bind(userId, value)
        .run();
    }
    const read = await bySystem('GET', '/v1/users/large-profile-1?withProfileAttributes=*');
    expect(read.status).toBe(200);
    const { attributes } = read.body.entityProfile;
    const order = Array.from({ length: 64 }, (_, index) => `key-${index + 10}`);
    expect(attributes.map(({ key }: { key: string }) => key)).toEqual(order);
    expect(attributes.every((attribute: { value: string }) => attribute.value === value)).toBe(true);
    const { accessToken: token } = await signIn('reads-large-profile');
    const profile = await call('GET', '/v1/users/large-profile-1/profile', { token });
    expect([profile.status, profile.body.attributes.length]).toEqual([200, 64]);
    let path: string | undefined = '/v1/users?limit=100&withProfileAttributes=*';
    const sizes: Record<string, number> = {};
    while (path) {
      const answer: Answer = await bySystem('GET', path);
      expect(answer.status).toBe(200);
      for (const { userId, entityProfile } of answer.body) sizes[userId] = entityProfile.attributes.length;
      path = /^<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(sizes).toMatchObject({ 'large-profile-1': 64, 'large-profile-2': 64, 'two-headers': 0 });
  });

  it('is found by any spelling of its keys that is the same to Unicode', async () => {
    await create('spelled-profile');
    const key = 'größe'.normalize('NFC');
    const spelled = encodeURIComponent(key.normalize('NFD'));
    const definition = { key: key.normalize('NFD'), allowedContentTypes: ['text/plain'] };
    await bySystem('POST', '/v1/attribute-def/users', {
      ...definition,
      allowedContentEncodings: ['identity'],
    });
    const set = await bySystem('POST', `/v1/users/spelled-profile/profile/${spelled}`, { value: '1,80' });
    expect(set.status).toBe(200);
    const stored = { attributes: [{ key, value: '1,80' }] };
    for (const query of [
      spelled,
      encodeURIComponent(key),
      `other,${spelled}`,
      `other&withProfileAttributes=${spelled}`,
    ]) {
      const asked = `withProfileAttributes=${query}`;
      const one = await bySystem('GET', `/v1/users/spelled-profile?${asked}`);
      expect(one.body.entityProfile).toMatchObject(stored);
    }
    expect((await bySystem('GET', `/v1/users/spelled-profile/profile/${spelled}`)).body).toMatchObject(
      stored.attributes,
    );
  });
});

describe('metadata', () => {
  it.each([
    ['at the top', '{"metadata":{"__proto__":{"level":7}}}'],
    ['within', '{"metadata":{"a":[{"__proto__":1}]}}'],
    ['escaped', '{"metadata":{"\\u005f_proto__":{"level":7}}}'],
    ['instead of it', '{"metadata":{"a":1,"__proto__":null}}'],
  ])('with a prototype %s is refused', async (_, body) => {
    await create('prototype-user');
    const answer = await bySystem('PATCH', '/v1/users/prototype-user', body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'metadata' }] } });
  });

  it('that merely speaks of one is kept', async () => {
    await create('speaks-of-prototypes');
    const metadata = { text: '"__proto__":', constructor: { prototype: 1 }, proto: null };
    const answer = await bySystem('PATCH', '/v1/users/speaks-of-prototypes', { metadata });
    expect([answer.status, answer.body.metadata]).toEqual([200, metadata]);
  });
});
