import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { parseRing } from '../../src/config.ts';
import { toBase64Url } from '../../src/ids.ts';
import { deriveKeySecret } from '../../src/keys/derive.ts';
import { writeKey } from '../../src/keys/rules.ts';
import { call, claimsOf, joinAs, keys, openRoom, signIn, trips } from '../support/client.ts';
import { listen } from '../support/socket.ts';

const { publishableKey, secretKey, accessKey, accessSecret } = keys;
const basic = `Basic ${btoa(`${accessKey}:${accessSecret}`)}`;
const signInWith = (body: unknown, key: string | undefined = publishableKey) =>
  call('POST', '/api/v5/sessions', { key, body });
const verify = (token: string) => call('GET', '/api/v5/sessions', { token });

describe('works', () => {
  it('signs a new user in with the whole documented answer', async () => {
    const before = Date.now();
    const { status, body } = await signInWith({
      userId: 'whole',
      deviceId: 'phone',
      deviceInfo: { kind: 'ios', model: 'iPhone', sdkVersion: '7.1', unknown: true },
      displayName: 'Ada Lovelace',
      unknown: 'member',
    });
    expect(status).toBe(200);
    const id = body.users[0]._id;
    expect(body).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      issuedAt: expect.any(String),
      expiresAt: expect.any(String),
      users: [
        {
          userId: 'whole',
          createdAt: expect.any(String),
          updatedAt: expect.any(String),
          _id: id,
          path: `user/${id}`,
          userInternalId: id,
          userPublicId: 'whole',
          roles: [],
          permissions: [],
          displayName: 'Ada Lovelace',
          profileHandle: null,
          description: null,
          avatarFileId: null,
          avatarCustomUrl: null,
          flagCount: 0,
          hashFlag: null,
          metadata: null,
          isGlobalBan: false,
          isBrand: false,
          isDeleted: false,
          userType: 'signed-in',
        },
      ],
      roles: [],
      files: [],
      lastCachePurge: null,
    });
    expect(Date.parse(body.expiresAt) - Date.parse(body.issuedAt)).toBe(3_600_000);
    expect(Date.parse(body.issuedAt)).toBeGreaterThanOrEqual(before);
    expect(claimsOf(body.accessToken)).toMatchObject({
      sub: 'whole',
      uid: Number(id),
      iss: 'http://localhost:8787',
    });
  });

  it.each(['v3', 'v4', 'v5'])('answers under %s', async version => {
    const { status, body } = await call('POST', `/api/${version}/sessions`, {
      key: publishableKey,
      body: { userId: `of-${version}`, deviceId: 'd' },
    });
    expect(status).toBe(200);
    expect(await call('GET', `/api/${version}/sessions`, { token: body.accessToken })).toMatchObject({
      status: 200,
      body: { lastCachePurge: null },
    });
    expect(await call('DELETE', `/api/${version}/sessions`, { token: body.accessToken })).toMatchObject({
      status: 200,
      body: { success: true },
    });
  });

  it('updates a display name, keeps it where none is given, and takes null for absent', async () => {
    const names = [];
    for (const extra of [{ displayName: 'One' }, {}, { displayName: null }, { displayName: 'Two' }]) {
      const { body } = await signInWith({ userId: 'renamed', deviceId: 'd', deviceInfo: null, ...extra });
      names.push(body.users[0].displayName);
    }
    expect(names).toEqual(['One', 'One', 'One', 'Two']);
  });

  it('takes an empty name for none, as SDKs send it', async () => {
    await signInWith({ userId: 'empty-name', deviceId: 'd', displayName: 'Kept', profileHandle: '' });
    const { status, body } = await signInWith({ userId: 'empty-name', deviceId: 'd', displayName: '' });
    expect(status).toBe(200);
    expect(body.users[0]).toMatchObject({ displayName: 'Kept', profileHandle: null });
  });

  it('is refused by nothing that only describes: it keeps 512 characters of it, and a clean name', async () => {
    const userAgent = `gecko#Mozilla/5.0 ${'(like Gecko) '.repeat(50)}`;
    const { status, body } = await signInWith({
      userId: 'described',
      deviceId: 'd',
      deviceInfo: { kind: 'fridge', model: userAgent, sdkVersion: 7 },
      displayName: `Ada\nLovelace ${'x'.repeat(100)}`,
      profileHandle: ' \t',
    });
    expect(status).toBe(200);
    expect(body.users[0]).toMatchObject({
      displayName: `Ada Lovelace ${'x'.repeat(87)}`,
      profileHandle: null,
    });
    const [device] = (await call('GET', '/users/me/devices', { token: body.accessToken })).body;
    expect(device.deviceInfo).toEqual({ kind: 'fridge', model: userAgent.slice(0, 512), sdkVersion: null });
  });

  it.each([
    ['a text', 'iPhone'],
    ['a list', ['ios']],
    ['a number', 7],
  ])('takes %s that stands for deviceInfo as none', async (what, deviceInfo) => {
    const answer = await signInWith({ userId: `undescribed ${what}`, deviceId: 'd', deviceInfo });
    expect(answer.status).toBe(200);
  });

  it('loses neither of two names set at once from two devices', async () => {
    await signIn('two-names');
    for (let round = 0; round < 10; round += 1) {
      const [one, two] = [`Name ${round}`, `handle-${round}`];
      await Promise.all([
        signInWith({ userId: 'two-names', deviceId: 'a', displayName: one }),
        signInWith({ userId: 'two-names', deviceId: 'b', profileHandle: two }),
      ]);
      const { body } = await signInWith({ userId: 'two-names', deviceId: 'c' });
      expect(body.users[0]).toMatchObject({ displayName: one, profileHandle: two });
    }
  });

  it('keeps what it accepts byte for byte, after NFC', async () => {
    const { body } = await signInWith({
      userId: 'nfc-e\u0301',
      deviceId: 'd',
      displayName: 'Zoe\u0308 <b> \' \\ "',
    });
    expect(body.users[0]).toMatchObject({ userId: 'nfc-\u00e9', displayName: 'Zo\u00eb <b> \' \\ "' });
  });

  it('S15 makes a device session for each device, and continues it when the device signs in again', async () => {
    const first = await signIn('replaced', 'laptop');
    const other = await signIn('replaced', 'phone');
    const second = await signIn('replaced', 'laptop');
    expect(second.sid).toBe(first.sid);
    expect(other.sid).not.toBe(first.sid);
    expect((await verify(first.accessToken)).status).toBe(200);
    expect((await verify(other.accessToken)).status).toBe(200);
    expect((await verify(second.accessToken)).status).toBe(200);
  });

  it('signs the presented device out, and no other', async () => {
    const [one, two] = [await signIn('leaving'), await signIn('leaving')];
    expect((await call('DELETE', '/api/v5/sessions', { token: one.accessToken })).body).toEqual({
      success: true,
    });
    expect((await verify(one.accessToken)).status).toBe(401);
    expect((await call('DELETE', '/api/v5/sessions', { token: one.accessToken })).status).toBe(401);
    expect((await verify(two.accessToken)).status).toBe(200);
  });

  it('signs every device of a user out, on their own word or a secret key', async () => {
    const ends = [
      (token: string) => call('DELETE', '/api/v5/sessions?userId=everywhere', { token }),
      () => call('DELETE', '/api/v5/sessions?userId=everywhere', { headers: { 'x-server-key': secretKey } }),
      () => call('DELETE', '/api/v5/sessions?userId=everywhere', { headers: { authorization: basic } }),
      () => call('DELETE', '/api/v4/sessions/users/everywhere', { headers: { 'x-server-key': secretKey } }),
    ];
    await signIn('\u00e9verywhere');
    const decomposed = `/api/v4/sessions/users/${encodeURIComponent('e\u0301verywhere')}`;
    expect((await call('DELETE', decomposed, { headers: { 'x-server-key': secretKey } })).status).toBe(200);
    for (const end of ends) {
      const devices = [await signIn('everywhere'), await signIn('everywhere')];
      expect(await end(devices[0]?.accessToken ?? '')).toMatchObject({
        status: 200,
        body: { success: true },
      });
      for (const { accessToken } of devices) expect((await verify(accessToken)).status).toBe(401);
    }
  });

  it('ends the oldest device session beyond a hundred', async () => {
    const oldest = await signIn('collector');
    const next = await signIn('collector');
    for (let device = 0; device < 98; device += 1) await signIn('collector');
    expect((await verify(oldest.accessToken)).status).toBe(200);
    await signIn('collector');
    expect((await verify(oldest.accessToken)).status).toBe(401);
    expect((await verify(next.accessToken)).status).toBe(200);
  });

  it('ends the memberships and sockets joined through the device, before it answers', async () => {
    const room = await openRoom(await signIn('landlord'));
    const guest = await signIn('lodger');
    const token = await joinAs(guest, room);
    const socket = await listen(token);
    await call('DELETE', '/api/v5/sessions', { token: guest.accessToken });
    expect((await call('GET', '/session/current', { token })).status).toBe(401);
    expect(await socket.hasClosed()).toMatchObject({ code: 4401 });
    expect(socket.frames.at(-1)).toMatchObject({ eventType: 'SignedOut', data: { reason: 'signed_out' } });
    const { body } = await call('GET', '/session/current', { token: room.token });
    expect(body).toMatchObject({ userCount: 1, users: [{ id: 'landlord' }] });
  });
});

describe('refuses', () => {
  it.each([
    ['no body', undefined],
    ['no userId', { deviceId: 'd' }],
    ['no deviceId', { userId: 'u' }],
    ['a userId of another type', { userId: 7, deviceId: 'd' }],
    ['a reserved userId', { userId: '.system', deviceId: 'd' }],
    ['a guest userId', { userId: 'guest:1', deviceId: 'd' }],
    ['a userId with a slash', { userId: 'a/b', deviceId: 'd' }],
    ['a long userId', { userId: 'x'.repeat(73), deviceId: 'd' }],
    ['an empty deviceId', { userId: 'u', deviceId: '' }],
    ['a long deviceId', { userId: 'u', deviceId: 'x'.repeat(151) }],
    ['a name with a direction override', { userId: 'u', deviceId: 'd', displayName: 'a\u202eb' }],
    ['an array', []],
  ])('%s with 422 in the form of the vendor, storing nothing', async (_, body) => {
    const answer = await signInWith(body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ status: 'error', code: 500000, message: expect.any(String) });
    expect(answer.body.data.detail).toEqual(expect.arrayContaining([expect.any(String)]));
    expect(await env.DB.prepare("SELECT count(*) AS n FROM users WHERE userId = 'u'").first('n')).toBe(0);
  });

  it('malformed JSON with 400, in the same form', async () => {
    expect(await signInWith('{"userId":')).toMatchObject({
      status: 400,
      body: { status: 'error', code: 400000 },
    });
  });

  it('an authToken, which nothing issues yet', async () => {
    expect(await signInWith({ userId: 'u', deviceId: 'd', authToken: 'made.up.token' })).toMatchObject({
      status: 401,
      body: { code: 400100 },
    });
  });

  it('a closed user named by its userId alone', async () => {
    await signIn('closing');
    await env.DB.prepare("UPDATE users SET entry = 'closed' WHERE userId = 'closing'").run();
    expect(await signInWith({ userId: 'closing', deviceId: 'd' })).toMatchObject({
      status: 401,
      body: { code: 400100 },
    });
  });

  it('an unknown user to a secret key, and a secret key without a user', async () => {
    const headers = { 'x-server-key': secretKey };
    expect(await call('DELETE', '/api/v5/sessions?userId=nobody', { headers })).toMatchObject({
      status: 404,
      body: { code: 400400 },
    });
    expect((await call('DELETE', '/api/v5/sessions/users/nobody', { headers })).status).toBe(404);
    expect((await call('DELETE', '/api/v5/sessions', { headers })).status).toBe(422);
  });
});

describe('keeps out', () => {
  it.each([
    ['no key', undefined],
    ['a mistyped key', publishableKey.replace(/.$/, character => (character === '0' ? '1' : '0'))],
    ['a secret key', secretKey],
    ['a publishable key turned secret', publishableKey.replace('pk_', 'sk_')],
    ['a secret key turned publishable', secretKey.replace('sk_', 'pk_')],
    ['nonsense', 'pk_live_nonsense'],
  ])('%s', async (_, key) => {
    const answer = await call('POST', '/api/v5/sessions', { key, body: { userId: 'u', deviceId: 'd' } });
    expect(answer).toMatchObject({ status: 401, body: { code: 400100 } });
    expect(answer.headers.get('www-authenticate')).toBeTruthy();
    expect(trips(answer)).toEqual([0, 0]);
  });

  it('S9 nobody, a refresh token, a member token and a token in the address', async () => {
    const user = await signIn('kinds');
    const room = await openRoom(user);
    for (const token of [undefined, '', 'x', user.refreshToken, room.token, `${user.accessToken}x`]) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await call(method, '/api/v5/sessions', { token });
        expect(answer).toMatchObject({ status: 401, body: { code: 400100 } });
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      }
    }
    expect((await call('GET', `/api/v5/sessions?access_token=${user.accessToken}`)).status).toBe(400);
    expect((await verify(user.accessToken)).status).toBe(200);
  });

  it("a stranger from ending another's sessions", async () => {
    const [owner, stranger] = [await signIn('owner'), await signIn('stranger')];
    for (const path of [
      '/api/v5/sessions?userId=owner',
      '/api/v5/sessions/users/owner',
      '/api/v5/sessions/users/stranger',
    ]) {
      expect(await call('DELETE', path, { token: stranger.accessToken })).toMatchObject({
        status: 403,
        body: { code: 400300 },
      });
    }
    expect((await verify(owner.accessToken)).status).toBe(200);
  });

  it('a signed-out user, everywhere', async () => {
    const user = await signIn('gone');
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    const { accessToken: token } = user;
    expect((await verify(token)).status).toBe(401);
    expect((await call('DELETE', '/api/v5/sessions?userId=gone', { token })).status).toBe(401);
    expect((await call('DELETE', '/api/v5/sessions/users/gone', { token })).status).toBe(401);
    expect((await call('POST', '/session', { token, key: publishableKey, body: {} })).status).toBe(401);
  });

  it('two credentials that disagree', async () => {
    const { accessToken: token } = await signIn('torn');
    const headers = { 'x-server-key': secretKey };
    expect((await call('DELETE', '/api/v5/sessions?userId=torn', { token, headers })).status).toBe(400);
    const agreeing = { 'x-server-key': secretKey, authorization: basic };
    expect((await call('DELETE', '/api/v5/sessions?userId=torn', { headers: agreeing })).status).toBe(200);
  });

  it('a genuine key without a row: it costs one read to know', async () => {
    const [master] = parseRing(env.MASTER_SECRETS, { addIssue: () => {} });
    const name = { kind: 'pk' as const, version: master.version, id: 'ab'.repeat(16) };
    const key = writeKey(name, toBase64Url(await deriveKeySecret(master, name)));
    const answer = await signInWith({ userId: 'u', deviceId: 'd' }, key);
    expect(answer).toMatchObject({ status: 401, body: { code: 400100 } });
    expect(trips(answer)).toEqual([1, 0]);
  });
});
