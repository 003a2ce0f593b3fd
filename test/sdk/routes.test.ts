/** What the vendor's SDKs call besides signing in. */
import { describe, expect, it } from 'vitest';
import { call, claimsOf, keys, openRoom, signIn } from '../support/client.ts';

const system = { 'x-server-key': keys.secretKey };
const versions = ['v3', 'v4', 'v5'];
const visit = (deviceId: string, version = 'v5') =>
  call('POST', `/api/${version}/sessions/visitor`, { key: keys.publishableKey, body: { deviceId } });

describe('works', () => {
  it.each(versions)('says in %s that everything of the chat is off, to whoever asks', async version => {
    const { accessToken } = await signIn(`chat-${version}`);
    const off = {
      enabled: false,
      mention: { isAllowMentionedChannelEnabled: false },
      messagePreview: { enabled: false, isIncludeDeleted: false },
      marker: { enabled: false },
    };
    for (const token of [undefined, accessToken]) {
      const { status, body } = await call('GET', `/api/${version}/network-settings/chat`, { token });
      expect({ status, body }).toEqual({ status: 200, body: off });
    }
  });

  it.each(versions)('shows in %s oneself as the sign-in did, and others alike', async version => {
    const [me, other] = await Promise.all([signIn(`me-${version}`), signIn(`other ${version}`)]);
    await call('PATCH', `/v1/users/other ${version}`, {
      headers: system,
      body: { displayName: 'Other', description: 'Hello', metadata: { shelf: 3 } },
    });
    const shown = await call('GET', `/api/${version}/users/${me.userId}`, { token: me.accessToken });
    const again = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: me.userId, deviceId: 'another' },
    });
    expect(shown.body).toEqual({ users: again.body.users, files: [] });
    const { body } = await call('GET', `/api/${version}/users/${encodeURIComponent(other.userId)}`, {
      token: me.accessToken,
    });
    expect(Object.keys(body.users[0])).toEqual(Object.keys(shown.body.users[0]));
    expect(body.users[0]).toMatchObject({
      userId: other.userId,
      displayName: 'Other',
      description: 'Hello',
      metadata: { shelf: 3 },
      isGlobalBan: false,
      userType: 'signed-in',
    });
  });

  it('shows the newest picture of a user as their file, and their roles', async () => {
    const [asking, pictured] = await Promise.all([signIn('asks-picture'), signIn('pictured')]);
    await call('PUT', '/v1/roles/editor', { headers: system, body: { permissions: ['edit'] } });
    await call('PUT', '/v1/users/pictured/roles', { headers: system, body: { roles: ['editor'] } });
    // The entry closed with the role: who signed in by a bare userId is out, and the picture needs a new proof.
    const { body: authToken } = await call('GET', '/api/v3/authentication/token?userId=pictured', {
      headers: system,
    });
    const { body: signedIn } = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: 'pictured', deviceId: 'd', authToken },
    });
    const png = Uint8Array.from(
      atob(
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      ),
      character => character.charCodeAt(0),
    );
    const ids = [crypto.randomUUID(), crypto.randomUUID()];
    for (const id of ids) {
      const headers = { 'content-type': 'png', 'file-name': id, 'content-length': String(png.length) };
      const token = signedIn.accessToken;
      expect((await call('POST', '/uploads', { token, headers, body: png })).status).toBe(200);
      const photo = { id, fileType: 'png', fileSize: png.length };
      expect((await call('POST', '/users/me/photos', { token, body: { photo } })).status).toBe(200);
    }
    const { body } = await call('GET', '/api/v3/users/pictured', { token: asking.accessToken });
    expect(body.users[0]).toMatchObject({
      userId: pictured.userId,
      avatarFileId: ids[1],
      roles: ['editor'],
      permissions: ['edit'],
    });
    expect(body.files).toMatchObject([
      { fileId: ids[1], type: 'image', attributes: { mimeType: 'image/png' } },
    ]);
  });

  it.each([
    ['repeated', 'userIds=list-a&userIds=list b'],
    ['with brackets', 'userIds[]=list-a&userIds[]=list b'],
    ['with encoded brackets', 'userIds%5B%5D=list-a&userIds%5B%5D=list%20b'],
    ['with indexes', 'userIds[0]=list-a&userIds[1]=list b'],
    ['separated by commas', 'userIds=list-a,list b'],
    ['encoded twice, as the SDK does', 'userIds%5B%5D=list-a&userIds%5B%5D=list%2520b'],
    ['with unknown names and the same again', 'userIds=list-a,nobody-there,list-a,list b,%25'],
  ])('lists the users asked for, %s, in their order', async (_, query) => {
    const [a] = await Promise.all([signIn('list-a'), signIn('list b')]);
    const { status, body } = await call('GET', `/api/v3/users/list?${query}`, { token: a.accessToken });
    expect(status).toBe(200);
    expect(body.users.map((user: { userId: string }) => user.userId)).toEqual(['list-a', 'list b']);
    expect(body.files).toEqual([]);
  });

  it.each(['/api/v3/users/', '/api/v4/users', '/api/v5/users/'])(
    'changes at %s the names and the metadata of the caller',
    async path => {
      const { userId, accessToken: token } = await signIn(`changes${path.replaceAll('/', '-')}`);
      const change = {
        userId,
        displayName: `Ada\nLovelace ${'x'.repeat(100)}`,
        profileHandle: 'ada',
        description: 'Counts',
        metadata: { colour: 'green' },
        roles: ['admin'],
        avatarFileId: 'x',
        isBrand: true,
        createNewUserWhenNotFound: false,
      };
      const { status, body } = await call('PUT', path, { token, body: change });
      expect(status).toBe(200);
      const kept = {
        userId,
        displayName: `Ada Lovelace ${'x'.repeat(87)}`,
        profileHandle: 'ada',
        description: 'Counts',
        metadata: { colour: 'green' },
        roles: [],
        avatarFileId: null,
        isBrand: false,
      };
      expect(body).toMatchObject({ users: [kept], files: [] });
      expect((await call('GET', `/api/v3/users/${userId}`, { token })).body.users).toEqual(body.users);
      const cleared = { userId, displayName: '', description: '' };
      expect((await call('PUT', path, { token, body: cleared })).body.users).toMatchObject([
        { displayName: kept.displayName, description: null, profileHandle: 'ada' },
      ]);
    },
  );

  it.each(versions)('lets in %s a device without a user visit, sign in again and out', async version => {
    const { status, body } = await visit('a kiosk', version);
    expect(status).toBe(200);
    expect(body).toMatchObject({ refreshToken: null, userType: 'visitor', files: [], lastCachePurge: null });
    const [visitor] = body.users;
    expect(visitor).toMatchObject({ userId: expect.stringMatching(/^guest:/), userType: 'visitor' });
    expect(visitor.userId).not.toContain('kiosk');
    expect(Date.parse(body.expiresAt) - Date.parse(body.issuedAt)).toBeGreaterThan(3_590_000);
    const again = await visit('a kiosk', version);
    expect(again.body.users[0].userId).toBe(visitor.userId);
    expect((await visit('another kiosk', version)).body.users[0].userId).not.toBe(visitor.userId);

    const token = body.accessToken;
    for (const path of ['sessions', 'network-settings/chat', `users/${visitor.userId}`]) {
      expect(await call('GET', `/api/${version}/${path}`, { token })).toMatchObject({ status: 200 });
    }
    const ended = await call('DELETE', `/api/${version}/sessions`, { token });
    expect(ended).toMatchObject({ status: 200, body: { success: true } });
    expect(await call('GET', `/api/${version}/sessions`, { token })).toMatchObject({
      status: 401,
      body: { code: 400100 },
    });
    expect((await call('GET', `/api/${version}/sessions`, { token: again.body.accessToken })).status).toBe(
      200,
    );
  });

  it('keeps the seat of a visitor through a renewal, in a room that takes guests', async () => {
    const room = await openRoom(await signIn('kiosk-host'), { allowGuests: true });
    const join = async () => {
      const { body } = await visit('a kiosk with a seat');
      const joined = await call('POST', '/session/join', {
        token: body.accessToken,
        body: { sessionId: room.sessionId },
      });
      expect(joined.status).toBe(200);
      return claimsOf(joined.body.credentials.token);
    };
    const [first, second] = [await join(), await join()];
    expect(second.sub).toBe(first.sub);
    expect((await call('GET', '/session/current', { token: room.token })).body.userCount).toBe(2);
  });
});

describe('refuses', () => {
  it('an unknown user with 404 in the form of the vendor', async () => {
    const { accessToken } = await signIn('asks-unknown');
    for (const userId of ['nobody-there', '.system', 'me', 'guest:1']) {
      const answer = await call('GET', `/api/v3/users/${userId}`, { token: accessToken });
      expect(answer).toMatchObject({ status: 404, body: { status: 'error', code: 400400 } });
    }
  });

  it.each([
    ['no names', ''],
    ['an empty one', '?userIds='],
    ['more than a hundred', `?userIds=${Array.from({ length: 101 }, (_, at) => `u${at}`)}`],
  ])('a list of %s with 422', async (_, query) => {
    const { accessToken } = await signIn('lists-wrongly');
    const answer = await call('GET', `/api/v3/users/list${query}`, { token: accessToken });
    expect(answer).toMatchObject({ status: 422, body: { status: 'error', code: 500000 } });
  });

  it.each([
    ['metadata that is no object', { metadata: [1] }],
    ['much metadata', { metadata: { x: 'x'.repeat(10_000) } }],
    ['a picture that is no address', { avatarCustomUrl: 'javascript:alert(1)' }],
    ['a name with a direction override', { displayName: 'a\u202eb' }],
  ])('%s with 422', async (_, change) => {
    const { accessToken: token } = await signIn('changes-wrongly');
    expect((await call('PUT', '/api/v3/users/', { token, body: change })).status).toBe(422);
  });

  it('a visitor without a device with 422', async () => {
    const answer = await call('POST', '/api/v5/sessions/visitor', { key: keys.publishableKey, body: {} });
    expect(answer).toMatchObject({ status: 422, body: { status: 'error', code: 500000 } });
  });

  it.each([
    ['GET', '/api/v3/network-settings/social'],
    ['GET', '/api/v3/channels'],
    ['GET', '/api/v4/me/global-feeds'],
    ['POST', '/api/v5/sessions/bot'],
    ['GET', '/api/v3/users'],
    ['GET', '/socket.io/?EIO=3'],
  ])('%s %s, which is not part of this server', async (method, path) => {
    const { accessToken: token } = await signIn('asks-for-chat');
    const { status, body } = await call(method, path, { token });
    expect([404, 405]).toContain(status);
    if (path.startsWith('/api/')) expect(body).toMatchObject({ status: 'error', code: expect.any(Number) });
  });
});

describe('keeps out', () => {
  it('whoever writes about another user, known or not', async () => {
    await signIn('written-about');
    const { accessToken: token } = await signIn('writes-about');
    for (const userId of ['written-about', 'nobody-there']) {
      const body = { userId, displayName: 'Mine' };
      const answer = await call('PUT', '/api/v3/users/', { token, body });
      expect(answer).toMatchObject({ status: 403, body: { code: 400300 } });
    }
  });

  it('whose device session has ended, from all of it', async () => {
    const { userId, accessToken: token } = await signIn('ended-asks');
    await call('DELETE', '/api/v4/sessions', { token });
    for (const [method, path] of [
      ['GET', 'network-settings/chat'],
      ['GET', `users/${userId}`],
      ['GET', `users/list?userIds=${userId}`],
      ['PUT', 'users/'],
    ] as const) {
      const body = method === 'PUT' ? {} : undefined;
      const answer = await call(method, `/api/v3/${path}`, { token, body });
      expect(answer).toMatchObject({ status: 401, body: { code: 400100 } });
    }
  });

  it('a visitor from everybody else', async () => {
    const { userId } = await signIn('not-for-visitors');
    const { body } = await visit('a curious kiosk');
    const token = body.accessToken;
    expect((await call('GET', `/api/v3/users/${userId}`, { token })).status).toBe(403);
    expect((await call('GET', `/api/v3/users/list?userIds=${userId}`, { token })).status).toBe(403);
    expect((await call('PUT', '/api/v3/users/', { token, body: {} })).status).toBe(401);
    expect((await call('GET', '/users/me', { token })).status).toBe(401);
  });

  it('a token of a device that is no visitor of the SDK', async () => {
    const { body } = await call('POST', '/api/sessions', { body: { identifier: 'd' } });
    for (const [method, path] of [
      ['GET', 'sessions'],
      ['DELETE', 'sessions'],
      ['GET', 'network-settings/chat'],
    ] as const) {
      expect((await call(method, `/api/v5/${path}`, { token: body.data.token })).status).toBe(401);
    }
  });

  it('from others whether a user is banned', async () => {
    const [asking] = await Promise.all([signIn('asks-ban'), signIn('is-banned')]);
    await call('PUT', '/v1/users/is-banned/ban', { headers: system, body: {} });
    const { body } = await call('GET', '/api/v3/users/is-banned', { token: asking.accessToken });
    expect(body.users[0].isGlobalBan).toBe(false);
  });
});
