/** Users as an application's server manages them, and as users see each other. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { me as meOf, register } from '../support/accounts.ts';
import { type Answer, call, keys, signIn, trips } from '../support/client.ts';

afterEach(() => {
  vi.useRealTimers();
});

const asSystem = { 'x-server-key': keys.secretKey };
const asBasic = { authorization: `Basic ${btoa(`${keys.accessKey}:${keys.accessSecret}`)}` };
const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const bySystem = (method: string, path: string, body?: unknown) =>
  call(method, path, { headers: asSystem, body });
const create = (userId: string, extra: Record<string, unknown> = {}) =>
  bySystem('POST', '/v1/users', { userId, screenName: { screenName: `Name of ${userId}` }, ...extra });
const idsOf = ({ body }: Answer) => body.map(({ userId }: { userId: string }) => userId);
const next = ({ headers }: Answer) => /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];

async function tokenOf(userId: string): Promise<string> {
  return (await bySystem('POST', `/v1/users/${userId}/tokens`, {})).body.userToken.signedToken;
}

describe('works', () => {
  it('makes a user, whom every surface knows', async () => {
    const made = await create('@ada-lovelace', {
      userLocators: ['email:Ada@Example.com', { '@type': 'tele', phoneNumber: '+4930123456' }],
      systemUser: true,
      blocked: true,
      auditInfo: { createdAt: 0 },
      entityProfile: null,
    });
    expect([made.status, made.body]).toEqual([200, { identifier: '@ada-lovelace' }]);
    const { body } = await bySystem('GET', '/v1/users/@ada-lovelace');
    expect(body).toEqual({
      userId: '@ada-lovelace',
      screenName: { screenName: 'Name of @ada-lovelace' },
      userLocators: [
        {
          '@type': 'email',
          email: 'ada@example.com',
          locator: 'email:ada@example.com',
          userLocatorId: expect.any(String),
          verificationStatus: 'StatusNotProvided',
        },
        {
          '@type': 'tele',
          phoneNumber: '+4930123456',
          locator: 'tele:+4930123456',
          userLocatorId: expect.any(String),
          verificationStatus: 'StatusNotProvided',
        },
      ],
      systemUser: false,
      synthetic: false,
      blocked: false,
      entityProfile: null,
      auditInfo: { createdAt: expect.stringMatching(ISO), updatedAt: expect.stringMatching(ISO) },
    });
    const token = await tokenOf('@ada-lovelace');
    const account = await call('GET', '/users/me', { token });
    expect(account.body.name).toBe('Name of @ada-lovelace');
    const found = await call('GET', '/users?s=lovelace', { token });
    expect(found.body).toMatchObject([{ id: account.body.id }]);
    const issued = await call('GET', '/api/v3/authentication/token?userId=%40ada-lovelace', {
      headers: asSystem,
    });
    const signedIn = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: '@ada-lovelace', deviceId: 'd', authToken: issued.body },
    });
    expect(signedIn.body.users[0]._id).toBe(String(account.body.id));
  });

  it('generates a userId where none is given', async () => {
    const { body } = await bySystem('POST', '/v1/users', { screenName: { screenName: 'x' }, userId: null });
    expect(body.identifier).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9-]{7,71}$/);
  });

  it('starts closed: naming the user opens nothing (S23)', async () => {
    await create('closed-from-start');
    const answer = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: 'closed-from-start', deviceId: 'd' },
    });
    expect(answer.status).toBe(401);
  });

  it('finds users of the other surfaces, and takes both ways of presenting a secret key', async () => {
    const account = await register('foundByD01');
    const shown = await call('GET', `/v1/users/${account.userId}`, { headers: asBasic });
    expect(shown.body.screenName.screenName).toBe('Name of foundByD01');
    const user = await signIn('of-surface-a');
    expect((await bySystem('GET', '/v1/users/of-surface-a')).body.userId).toBe(user.userId);
  });

  it('lists all users page by page, and those with exactly these locators', async () => {
    for (const index of [1, 2, 3])
      await create(`listed-user-${index}`, { userLocators: [`tele:+49301000${index}`] });
    const seen: string[] = [];
    let page: string | undefined = '/v1/users?limit=2&shouldFetchMetadata=false&sandboxed=false';
    while (page) {
      const answer: Answer = await bySystem('GET', page);
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBeLessThanOrEqual(2);
      seen.push(...idsOf(answer));
      page = next(answer);
    }
    const rows = await env.DB.prepare('SELECT userId FROM users ORDER BY id').all<{ userId: string }>();
    expect(seen).toEqual(rows.results.map(({ userId }) => userId));
    const comma = await bySystem('GET', '/v1/users?locators=tele:%2B493010001,tele:%2B493010003');
    expect(idsOf(comma)).toEqual(['listed-user-1', 'listed-user-3']);
    const repeated = await bySystem('GET', '/v1/users?locators=tele:%2B493010002&locators=tele:%2B493010009');
    expect(idsOf(repeated)).toEqual(['listed-user-2']);
    expect((await bySystem('GET', '/v1/users?locators=email:nobody@example.com')).body).toEqual([]);
  });

  it('shows the calling user under me, and the profile where asked', async () => {
    await create('profiled-user');
    await bySystem('POST', '/v1/attribute-def/users', {
      key: 'firstName',
      allowedContentTypes: ['text/plain'],
      allowedContentEncodings: ['identity'],
    });
    await bySystem('POST', '/v1/users/profiled-user/profile/firstName', { key: 'firstName', value: 'Ada' });
    const token = await tokenOf('profiled-user');
    const attribute = {
      key: 'firstName',
      contentType: 'text/plain',
      contentEncoding: 'identity',
      value: 'Ada',
    };
    const read = async (query: string) => (await call('GET', `/v1/users/me${query}`, { token })).body;
    expect((await read('')).entityProfile).toBe(null);
    expect((await read('?withProfileAttributes=*&unknown=1')).entityProfile).toEqual({
      attributes: [attribute],
    });
    expect((await read('?withProfileAttributes=firstName,lastName')).entityProfile.attributes).toEqual([
      attribute,
    ]);
    expect((await read('?withProfileAttributes=lastName')).entityProfile).toEqual({ attributes: [] });
    expect((await read('')).blocked).toBe(false);
    const listed = await bySystem('GET', '/v1/users?withProfileAttributes=*&limit=100');
    expect(
      listed.body.find(({ userId }: { userId: string }) => userId === 'profiled-user').entityProfile,
    ).toEqual({
      attributes: [attribute],
    });
  });

  it('shows another user without what concerns only them (S34)', async () => {
    await create('seen-by-others', { userLocators: ['email:private@example.com'] });
    const { body } = await call('GET', '/v1/users/seen-by-others', { token: await tokenOf('@ada-lovelace') });
    expect(Object.keys(body).sort()).toEqual(
      ['auditInfo', 'entityProfile', 'screenName', 'synthetic', 'systemUser', 'userId'].sort(),
    );
    expect(JSON.stringify(body)).not.toContain('private@');
  });

  it('shows that a user is blocked, for as long as they are', async () => {
    await create('blocked-user');
    const until = new Date(Date.now() + 60_000).toISOString();
    await bySystem('PUT', '/v1/users/blocked-user/ban', { until });
    expect((await bySystem('GET', '/v1/users/blocked-user')).body.blocked).toBe(true);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect((await bySystem('GET', '/v1/users/blocked-user')).body.blocked).toBe(false);
  });

  it('gives screen names, and takes new ones from the user and the system', async () => {
    await create('renames-self');
    await create('renamed-other');
    const token = await tokenOf('renames-self');
    const put = (id: string, screenName: string, by: object) =>
      call('PUT', `/v1/users/${id}/screenname`, { ...by, body: { screenName } });
    expect((await put('me', 'By myself', { token })).status).toBe(200);
    expect((await put('renamed-other', 'By system', { headers: asSystem })).status).toBe(200);
    const { body } = await call('GET', '/v1/users/renamed-other,me/screenname', { token });
    expect(body).toEqual({
      screenNames: [
        { userId: 'renamed-other', screenName: 'By system' },
        { userId: 'renames-self', screenName: 'By myself' },
      ],
    });
    expect((await meOf({ accessToken: token })).body.name).toBe('By myself');
  });

  it('shows the system to everybody who is signed in', async () => {
    const shown = { userId: '.system', systemUser: true };
    expect((await bySystem('GET', '/v1/users/.system')).body).toMatchObject(shown);
    const { accessToken: token } = await signIn('looks-at-system');
    expect((await call('GET', '/v1/users/.system', { token })).body).toMatchObject(shown);
  });

  it('deletes a user for ever', async () => {
    await create('deleted-user', { userLocators: ['email:deleted@example.com'] });
    const token = await tokenOf('deleted-user');
    const answer = await bySystem('DELETE', '/v1/users/deleted-user');
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect((await call('GET', '/v1/users/me', { token })).status).toBe(401);
    expect((await bySystem('GET', '/v1/users/deleted-user')).status).toBe(404);
    expect((await bySystem('DELETE', '/v1/users/deleted-user')).status).toBe(404);
    expect((await bySystem('GET', '/v1/users?locators=email:deleted@example.com')).body).toEqual([]);
    expect(await create('deleted-user')).toMatchObject({ status: 409, body: { code: 'duplicate_entity' } });
    const again = await create('deleted-user-2', { userLocators: ['email:deleted@example.com'] });
    expect(again.status).toBe(200);
  });

  it('costs the trips it promises', async () => {
    await create('counted-user');
    const token = await tokenOf('counted-user');
    await bySystem('GET', '/v1/users/counted-user');
    expect(trips(await bySystem('GET', '/v1/users/counted-user'))).toEqual([1, 0]);
    expect(trips(await bySystem('GET', '/v1/users?limit=5'))).toEqual([1, 0]);
    expect(trips(await create('counted-user-2'))).toEqual([1, 0]);
    expect(trips(await call('GET', '/v1/users/me', { token }))).toEqual([1, 1]);
    expect(trips(await call('GET', '/v1/users/me/screenname', { token }))).toEqual([0, 1]);
  });
});

describe('refuses', () => {
  it.each([
    ['too short', 'short'],
    ['too long', 'x'.repeat(73)],
    ['of other characters', 'user name'],
    ['that begins otherwise', '-beginning'],
    ['beyond ASCII', 'ada-lovelacé'],
    ['of a built-in user', '.system-user'],
    ['that poses as a guest (S38)', 'guest:1234567'],
  ])('a userId %s', async (_, userId) => {
    expect(await create(userId)).toMatchObject({ status: 400, body: { errors: [{ path: 'userId' }] } });
  });

  it.each([
    ['no screen name', {}],
    ['an empty one', { screenName: { screenName: '' } }],
    ['a locator of no form', { screenName: { screenName: 'x' }, userLocators: ['nobody'] }],
    [
      'a wallet nobody proved',
      { screenName: { screenName: 'x' }, userLocators: [`wallet:0x${'ab'.repeat(20)}`] },
    ],
  ])('%s', async (_, body) => {
    expect((await bySystem('POST', '/v1/users', body)).status).toBe(400);
  });

  it('a userId and a locator that are taken, and makes nobody then', async () => {
    await create('taken-user-1', { userLocators: ['email:taken@example.com'] });
    const duplicate = { status: 409, body: { errorCode: 'duplicate_entity' } };
    expect(await create('taken-user-1', { userLocators: ['email:free@example.com'] })).toMatchObject(
      duplicate,
    );
    expect(
      await create('taken-user-2', { userLocators: ['email:free@example.com', 'email:TAKEN@example.com'] }),
    ).toMatchObject(duplicate);
    expect((await bySystem('GET', '/v1/users/taken-user-2')).status).toBe(404);
    expect((await create('taken-user-3', { userLocators: ['email:free@example.com'] })).status).toBe(200);
  });

  it('all but one of 50 who make the same user at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => create('made-by-fifty')));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(49).fill(409)]);
  });

  it('unknown users, malformed lists and cursors', async () => {
    expect((await bySystem('GET', '/v1/users/nobody-at-all')).body.errorCode).toBe('user_not_found');
    expect((await bySystem('GET', '/v1/users/nobody-at-all/screenname')).status).toBe(404);
    expect((await bySystem('GET', '/v1/users/a,,b/screenname')).status).toBe(400);
    const many = Array.from({ length: 101 }, (_, index) => `user-${index}`).join(',');
    expect((await bySystem('GET', `/v1/users/${many}/screenname`)).status).toBe(400);
    expect((await bySystem('GET', '/v1/users?locators=nobody')).status).toBe(400);
    expect((await bySystem('GET', '/v1/users?limit=0')).status).toBe(400);
    expect((await bySystem('GET', '/v1/users?cursor=x')).body.code).toBe('invalid_cursor');
  });

  it('me of a secret key, and every write to a built-in user', async () => {
    const context = { status: 400, body: { errorCode: 'missing_context' } };
    expect(await bySystem('GET', '/v1/users/me')).toMatchObject(context);
    expect(await bySystem('PUT', '/v1/users/me/screenname', { screenName: 'x' })).toMatchObject(context);
    expect(await bySystem('DELETE', '/v1/users/me')).toMatchObject(context);
    expect(await bySystem('GET', '/v1/users/me/screenname')).toMatchObject(context);
    for (const id of ['.system', '.anonymous']) {
      const privilege = { status: 403, body: { errorCode: 'missing_privilege' } };
      expect(await bySystem('PUT', `/v1/users/${id}/screenname`, { screenName: 'x' })).toMatchObject(
        privilege,
      );
      expect(await bySystem('DELETE', `/v1/users/${id}`)).toMatchObject(privilege);
      expect(await bySystem('PUT', `/v1/users/${id}/ban`, {})).toMatchObject(privilege);
    }
  });
});

describe('keeps out', () => {
  it('users from what an application’s server does', async () => {
    const { accessToken: token } = await signIn('no-system-at-all');
    await create('managed-user');
    const privilege = { status: 403, body: { errorCode: 'missing_privilege', message: expect.any(String) } };
    const calls: [string, string, unknown?][] = [
      ['POST', '/v1/users', { screenName: { screenName: 'x' } }],
      ['GET', '/v1/users'],
      ['DELETE', '/v1/users/me'],
      ['DELETE', '/v1/users/managed-user'],
      ['PUT', '/v1/users/managed-user/screenname', { screenName: 'x' }],
      ['PUT', '/v1/users/.system/screenname', { screenName: 'x' }],
    ];
    for (const [method, path, body] of calls) {
      expect([path, await call(method, path, { token, body })]).toMatchObject([path, privilege]);
    }
  });

  it('.anonymous from everything, and dead tokens', async () => {
    const gone = await signIn('signs-out-of-d');
    await call('DELETE', '/api/v5/sessions', { token: gone.accessToken });
    for (const path of [
      '/v1/users/me',
      '/v1/users/managed-user',
      '/v1/users/managed-user/screenname',
      '/v1/users',
    ]) {
      expect(await call('GET', path)).toMatchObject({
        status: 401,
        body: { errorCode: 'missing_privilege' },
      });
      expect((await call('GET', path, { token: gone.accessToken })).status).toBe(401);
      const byHeader = { 'X-Issued-Mitter-User-Authorization': gone.accessToken };
      expect((await call('GET', path, { headers: byHeader })).status).toBe(401);
    }
  });

  it('a token in the directory’s own header from everywhere else', async () => {
    const { accessToken } = await signIn('header-elsewhere');
    const headers = { 'X-Issued-Mitter-User-Authorization': accessToken };
    expect((await call('GET', '/users/me', { headers })).status).toBe(401);
    expect((await call('GET', '/v1/users/me', { headers })).status).toBe(200);
  });
});
