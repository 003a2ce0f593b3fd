/** Roles, bans and records, as an application's server drives them. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, join, joinAs, keys, openRoom, signIn } from '../support/client.ts';
import { listen } from '../support/socket.ts';
import { until } from '../support/until.ts';

afterEach(() => {
  vi.useRealTimers();
});

const headers = { 'x-server-key': keys.secretKey };
const asServer = (method: string, path: string, body?: unknown) =>
  call(method, path, body === undefined ? { headers } : { headers, body });
const bareSignIn = (userId: string) =>
  call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: crypto.randomUUID() },
  });
const authTokenSignIn = async (userId: string) => {
  const { body: authToken } = await asServer('POST', '/api/v4/authentication/token', { userId });
  return call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: crypto.randomUUID(), authToken },
  });
};
const verify = (token: string) => call('GET', '/api/v5/sessions', { token });

describe('works', () => {
  it('defines roles, changes and lists them', async () => {
    const made = await asServer('PUT', '/v1/roles/moderator', {
      displayName: 'Moderator',
      permissions: ['MUTE_CHANNEL', 'MUTE_CHANNEL'],
    });
    expect(made).toMatchObject({
      status: 200,
      body: {
        roleId: 'moderator',
        displayName: 'Moderator',
        permissions: ['MUTE_CHANNEL'],
        createdAt: expect.any(String),
      },
    });
    const changed = await asServer('PUT', '/v1/roles/moderator', { permissions: ['BAN_USER'] });
    expect(changed.body).toMatchObject({
      displayName: null,
      permissions: ['BAN_USER'],
      createdAt: made.body.createdAt,
    });
    expect((await asServer('GET', '/v1/roles')).body).toEqual([changed.body]);
    expect((await asServer('DELETE', '/v1/roles/moderator')).status).toBe(200);
    expect((await asServer('GET', '/v1/roles')).body).toEqual([]);
  });

  it('shows roles and their permissions at the next sign-in, and follows every change of them', async () => {
    await asServer('PUT', '/v1/roles/a', { displayName: 'A', permissions: ['ONE', 'TWO'] });
    await asServer('PUT', '/v1/roles/b', { permissions: ['TWO', 'THREE'] });
    await signIn('ranked');
    const given = await asServer('PUT', '/v1/users/ranked/roles', { roles: ['a', 'b'] });
    expect(given.body.map((role: { roleId: string }) => role.roleId)).toEqual(['a', 'b']);
    const first = (await authTokenSignIn('ranked')).body;
    expect(first.users[0]).toMatchObject({ roles: ['a', 'b'], permissions: ['ONE', 'TWO', 'THREE'] });
    expect(first.roles).toEqual([
      {
        roleId: 'a',
        displayName: 'A',
        permissions: ['ONE', 'TWO'],
        isDeleted: false,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
      {
        roleId: 'b',
        displayName: null,
        permissions: ['TWO', 'THREE'],
        isDeleted: false,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    ]);
    await asServer('PUT', '/v1/roles/a', { permissions: ['FOUR'] });
    await asServer('DELETE', '/v1/roles/b');
    const second = (await authTokenSignIn('ranked')).body;
    expect(second.users[0]).toMatchObject({ roles: ['a'], permissions: ['FOUR'] });
    await asServer('PUT', '/v1/users/ranked/roles', { roles: [] });
    expect((await authTokenSignIn('ranked')).body.users[0]).toMatchObject({ roles: [], permissions: [] });
    await until(async () => {
      const row = await env.DB.prepare(
        "SELECT version, copiedVersion FROM users WHERE userId = 'ranked'",
      ).first();
      return row?.version === row?.copiedVersion;
    });
  });

  it('closes the entry of whoever gets a role', async () => {
    const user = await signIn('promoted');
    await asServer('PUT', '/v1/roles/boss', { permissions: ['EVERYTHING'] });
    await asServer('PUT', '/v1/users/promoted/roles', { roles: ['boss'] });
    expect((await verify(user.accessToken)).status).toBe(401);
    expect((await bareSignIn('promoted')).status).toBe(401);
    expect((await authTokenSignIn('promoted')).status).toBe(200);
  });

  it('changes a record, member by member, and clears what is set to an empty text', async () => {
    await signIn('edited');
    const whole = {
      displayName: 'Ada',
      profileHandle: 'ada',
      description: 'Counts',
      avatarCustomUrl: 'https://example.com/ada.png',
      metadata: { level: 7, tags: ['x'], nested: { yes: true } },
      isBrand: true,
    };
    const { body } = await asServer('PATCH', '/v1/users/edited', {
      ...whole,
      roles: ['boss'],
      isGlobalBan: true,
      userId: 'x',
    });
    expect(body).toMatchObject({ ...whole, userId: 'edited', roles: [], isGlobalBan: false });
    expect((await bareSignIn('edited')).body.users[0]).toMatchObject(whole);
    const patched = await asServer('PATCH', '/v1/users/edited', { description: '', displayName: null });
    expect(patched.body).toMatchObject({ ...whole, description: null });
  });

  it('bans: every device session and membership ends, and none begins until it is lifted', async () => {
    const user = await signIn('banned');
    const room = await openRoom(await signIn('ban-host'));
    const token = await joinAs(user, room);
    const socket = await listen(token);
    expect(await asServer('PUT', '/v1/users/banned/ban', { reason: 'Spam' })).toMatchObject({
      status: 200,
      body: '',
    });
    expect((await verify(user.accessToken)).status).toBe(401);
    expect((await join(user, room.sessionId)).status).toBe(401);
    expect((await call('GET', '/session/current', { token })).status).toBe(401);
    expect(await socket.hasClosed()).toMatchObject({ code: 4401 });
    expect(await bareSignIn('banned')).toMatchObject({
      status: 403,
      body: { status: 'error', code: 400312 },
    });
    expect(await authTokenSignIn('banned')).toMatchObject({ status: 403, body: { code: 400312 } });
    expect((await asServer('PATCH', '/v1/users/banned', { displayName: 'B' })).body.isGlobalBan).toBe(true);
    expect((await asServer('DELETE', '/v1/users/banned/ban')).status).toBe(200);
    const again = await authTokenSignIn('banned');
    expect(again).toMatchObject({ status: 200, body: { users: [{ isGlobalBan: false }] } });
    expect((await verify(user.accessToken)).status).toBe(401);
  });

  it('bans until an instant, and somebody who never signed in', async () => {
    await asServer('POST', '/api/v4/authentication/token', { userId: 'never-here' });
    const until = new Date(Date.now() + 60_000).toISOString();
    expect((await asServer('PUT', '/v1/users/never-here/ban', { until })).status).toBe(200);
    expect((await authTokenSignIn('never-here')).status).toBe(403);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 });
    expect((await authTokenSignIn('never-here')).status).toBe(200);
  });

  it('S16 holds for every request begun after the ban answered, with a hundred in flight around it', async () => {
    const user = await signIn('in-flight');
    const room = await openRoom(await signIn('in-flight-host'));
    let answeredAt = Number.POSITIVE_INFINITY;
    const begun: { at: number; status: number }[] = [];
    let turn = 0;
    const one = async () => {
      turn += 1;
      const at = turn;
      const { status } = await (at % 2 ? verify(user.accessToken) : join(user, room.sessionId));
      begun.push({ at, status });
    };
    const before = Array.from({ length: 100 }, one);
    const ban = asServer('PUT', '/v1/users/in-flight/ban', {}).then(answer => {
      answeredAt = turn;
      return answer;
    });
    const during = Array.from({ length: 100 }, one);
    expect((await ban).status).toBe(200);
    const after = Array.from({ length: 100 }, one);
    await Promise.all([...before, ...during, ...after]);
    const late = begun.filter(({ at }) => at > answeredAt);
    expect(late).toHaveLength(100);
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set([401]));
    expect(begun.some(({ status }) => status === 200)).toBe(true);
  });
});

it('raises nobody’s record for a role that stays as it was, and forgets who had one that is gone', async () => {
  await signIn('holder');
  const role = { displayName: 'Same', permissions: ['ONE'] };
  await asServer('PUT', '/v1/roles/same', role);
  await asServer('PUT', '/v1/users/holder/roles', { roles: ['same'] });
  const version = () => env.DB.prepare("SELECT version FROM users WHERE userId = 'holder'").first('version');
  const before = await version();
  await asServer('PUT', '/v1/roles/same', role);
  expect(await version()).toBe(before);
  await asServer('PUT', '/v1/roles/same', { ...role, permissions: ['TWO'] });
  expect(await version()).toBe((before as number) + 1);
  await asServer('DELETE', '/v1/roles/same');
  await asServer('PUT', '/v1/roles/same', role);
  expect((await authTokenSignIn('holder')).body.users[0].roles).toEqual([]);
});

it('brings a changed role to hundreds of holders, one call after the other until all have it', async () => {
  await asServer('PUT', '/v1/roles/crowd', { permissions: ['ONE'] });
  const rows = Array.from({ length: 250 }, (_, index) => `('crowd-${index}', 'closed', 1, 1, 0, 0)`).join();
  await env.DB.exec(
    `INSERT INTO users (userId, entry, version, copiedVersion, createdAt, updatedAt) VALUES ${rows}`,
  );
  await env.DB.exec("INSERT INTO userRoles SELECT id, 'crowd' FROM users WHERE userId LIKE 'crowd-%'");
  const change = () => asServer('PUT', '/v1/roles/crowd', { permissions: ['TWO'] });
  const first = await change();
  expect(first).toMatchObject({ status: 503, body: { code: 'copy_pending' } });
  expect(first.headers.get('retry-after')).toBe('60');
  expect((await change()).status).toBe(200);
  const lagging = await env.DB.prepare(
    "SELECT count(*) AS n FROM users WHERE userId LIKE 'crowd-%' AND (copiedVersion < version OR version <> 2)",
  ).first('n');
  expect(lagging).toBe(0);
});

it('changes nothing for a banned user who tries to sign in, and keeps the authToken good', async () => {
  await signIn('banned-renamer');
  await asServer('PUT', '/v1/users/banned-renamer/ban', {});
  const { body: authToken } = await asServer('POST', '/api/v4/authentication/token', {
    userId: 'banned-renamer',
  });
  const body = { userId: 'banned-renamer', deviceId: 'd', displayName: 'Sneaked', authToken };
  expect((await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body })).status).toBe(403);
  const row = await env.DB.prepare("SELECT displayName FROM users WHERE userId = 'banned-renamer'").first();
  expect(row?.displayName).toBe(null);
  await asServer('DELETE', '/v1/users/banned-renamer/ban');
  expect((await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body })).status).toBe(200);
});

it('shows the ban the object holds, however bans and liftings race', async () => {
  await signIn('flagged');
  for (let round = 0; round < 10; round += 1) {
    await Promise.all([
      asServer('PUT', '/v1/users/flagged/ban', {}),
      asServer('DELETE', '/v1/users/flagged/ban'),
      asServer('PUT', '/v1/users/flagged/ban', {}),
    ]);
    const shown = (await asServer('PATCH', '/v1/users/flagged', { description: `${round}` })).body
      .isGlobalBan;
    expect((await bareSignIn('flagged')).status).toBe(shown ? 403 : 200);
  }
});

describe('refuses', () => {
  it.each([
    ['PUT', '/v1/roles/.system', {}, 400],
    ['PUT', '/v1/roles/a,b', {}, 400],
    ['PUT', '/v1/roles/x', { permissions: ['x'.repeat(101)] }, 400],
    ['PUT', '/v1/roles/x', { permissions: 'ALL' }, 400],
    ['DELETE', '/v1/roles/unknown', undefined, 404],
    ['PUT', '/v1/users/somebody/roles', { roles: ['unknown'] }, 404],
    ['PUT', '/v1/users/somebody/roles', {}, 400],
    ['PUT', '/v1/users/nobody/roles', { roles: [] }, 404],
    ['PUT', '/v1/users/nobody/ban', {}, 404],
    ['DELETE', '/v1/users/nobody/ban', undefined, 404],
    ['PATCH', '/v1/users/nobody', {}, 404],
    ['PATCH', '/v1/users/.system', {}, 403],
    ['PUT', '/v1/users/.system/ban', {}, 403],
    ['PUT', '/v1/users/me/roles', { roles: [] }, 400],
    ['PUT', '/v1/users/somebody/ban', { until: 'tomorrow' }, 400],
    ['PUT', '/v1/users/somebody/ban', { until: '2020-01-01T00:00:00Z' }, 400],
    ['PATCH', '/v1/users/somebody', { displayName: '' }, 400],
    ['PATCH', '/v1/users/somebody', { avatarCustomUrl: 'javascript:alert(1)' }, 400],
    ['PATCH', '/v1/users/somebody', { metadata: { text: 'x'.repeat(10_001) } }, 400],
  ])('%s %s %j with %d', async (method, path, body, status) => {
    await signIn('somebody');
    const answer = await asServer(method, path, body);
    expect(answer).toMatchObject({
      status,
      body: { status, errorCode: answer.body.code, message: expect.any(String) },
    });
  });
});

describe('keeps out', () => {
  const calls: [string, string, unknown?][] = [
    ['GET', '/v1/roles'],
    ['PUT', '/v1/roles/mine', {}],
    ['DELETE', '/v1/roles/mine'],
    ['PUT', '/v1/users/self/roles', { roles: [] }],
    ['PUT', '/v1/users/self/ban', {}],
    ['DELETE', '/v1/users/self/ban'],
    ['PATCH', '/v1/users/self', { isBrand: true }],
  ];

  it.each(calls)('everybody without a secret key from %s %s', async (method, path, body) => {
    const user = await signIn('self');
    const gone = await signIn('self');
    await call('DELETE', '/api/v5/sessions', { token: gone.accessToken });
    expect(await call(method, path, { body })).toMatchObject({
      status: 401,
      body: { errorCode: 'missing_privilege' },
    });
    expect((await call(method, path, { body, key: keys.publishableKey })).status).toBe(401);
    expect((await call(method, path, { body, key: keys.secretKey })).status).toBe(401);
    expect((await call(method, path, { body, token: gone.accessToken })).status).toBe(401);
    expect(await call(method, path, { body, token: user.accessToken })).toMatchObject({
      status: 403,
      body: { errorCode: 'missing_privilege' },
    });
  });
});
