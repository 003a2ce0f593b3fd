/** S47 and S48: the log tells what happened to security, and nothing of what was entrusted to us. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { app } from '../src/app.ts';
import { basic, login, PASSWORD, register } from './support/accounts.ts';
import { call, elsewhere, joinAs, keys, ORIGIN, openRoom, signIn } from './support/client.ts';
import { messageOf, newWallet, nonceFor, prove } from './support/wallets.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Everything that is written to the log from now on. */
function listenToLog(): () => string {
  const spies = (['log', 'warn', 'error', 'info', 'debug'] as const).map(level => vi.spyOn(console, level));
  return () =>
    spies
      .flatMap(spy => spy.mock.calls)
      .flat()
      .map(said => (said instanceof Error ? `${said.message} ${said.stack}` : String(said)))
      .join('\n');
}

/** The lines of the log that are JSON. */
const linesOf = (said: string): Record<string, unknown>[] =>
  said
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));

it('S47 writes no secret and no text of a person, whatever field it came in', async () => {
  const log = listenToLog();
  const canary = 'canary-7f3a9';
  const headers = { 'x-server-key': keys.secretKey };
  const { body: authToken } = await call('POST', '/api/v4/authentication/token', {
    headers,
    body: { userId: 'logged' },
  });
  const signedIn = await call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    headers: { 'x-request-id': 'fine', cookie: canary },
    body: {
      userId: 'logged',
      deviceId: canary,
      displayName: canary,
      deviceInfo: { model: canary },
      authToken,
    },
  });
  const { accessToken, refreshToken } = signedIn.body;
  const user = await signIn('logged-host');
  const room = await openRoom(user, { password: canary });
  const member = await joinAs({ ...user, accessToken, userId: 'logged' }, room, {
    password: canary,
    identity: { name: canary },
  });
  await call('POST', '/session/join', {
    token: accessToken,
    body: { sessionId: room.sessionId, password: `${canary}x` },
  });
  await call('PATCH', '/v1/users/logged', { headers, body: { description: canary, metadata: { canary } } });
  await call('POST', '/session/current/kick', {
    token: room.token,
    body: { userId: 'logged', reason: canary },
  });
  await call('POST', `/api/v5/sessions?${canary}`, {
    key: canary,
    body: canary,
    headers: { authorization: `Bearer ${canary}` },
  });
  await call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } });
  await call('DELETE', '/api/v5/sessions', { token: accessToken });
  const account = await call('POST', '/users', {
    body: {
      name: canary,
      username: 'loggedUser',
      password: `${canary} password`,
      deviceInfo: { name: canary, model: canary, token: canary },
    },
  });
  expect(account.status).toBe(200);
  const { accessToken: token } = account.body.deviceSessions[0];
  const put = (path: string, body: unknown) => call('PUT', path, { token, body });
  await put('/users/me', { name: canary, about: canary });
  await put('/users/me/device', { deviceName: canary, deviceToken: canary });
  await put('/users/me/setAccountKey', { password: `${canary} password`, accountKey: canary.repeat(3) });
  await put('/users/me/changePassword', { oldPassword: canary, newPassword: `${canary} other` });
  const reset = { userId: account.body.id, accountKey: canary, newPassword: `${canary} other` };
  await call('PUT', '/users/resetPassword', { body: reset });
  await call('POST', '/users/login', { headers: { authorization: `Basic ${btoa(`loggedUser:${canary}`)}` } });
  await call('GET', `/users?s=${canary}`);
  await call('POST', '/uploads', { token, body: canary, headers: { 'content-type': canary } });
  await call('POST', '/v1/users', {
    headers,
    body: {
      userId: 'logged-directory',
      screenName: { screenName: canary },
      userLocators: [`email:${canary}@example.com`],
    },
  });
  const asDirectory = (method: string, path: string, body?: unknown) =>
    call(method, `/v1/users/logged-directory${path}`, { headers, body });
  await asDirectory('PUT', '/screenname', { screenName: `${canary}2` });
  await asDirectory('POST', '/presence', { type: canary });
  await asDirectory('POST', '/locators', { '@type': 'email', email: `${canary}2@example.com` });
  await asDirectory('POST', '/profile/unknown', { key: 'unknown', value: canary });
  const issued = (await asDirectory('POST', '/tokens', {})).body.userToken;
  const { pathname, search } = new URL(issued.logoutUrl);
  await call('GET', `${pathname}${search}`);
  await call('GET', `${pathname}${search}`);
  await call('GET', '/v1/users?locators=email:canary-7f3a9@example.com', { headers });
  await call('GET', '/v1/users', {
    headers: { authorization: `Auth ${keys.accessKey}:${btoa(canary)}`, nonce: canary, date: canary },
  });
  const broken = {
    ...env,
    DB: { prepare: () => ({ bind: () => ({ raw: () => Promise.reject(new Error(canary)) }) }) },
  };
  await app.fetch(
    new Request(`${ORIGIN}/v1/users/${canary}`, {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    }),
    { ...env, DB: { ...broken.DB, batch: () => Promise.reject(new Error('D1 is away')) } } as never,
    { waitUntil: () => {}, passThroughOnException: () => {}, props: {} } as never,
  );
  const said = log();
  expect(said).toContain('"event":"fault"');
  for (const secret of [
    canary,
    authToken,
    accessToken,
    refreshToken,
    member,
    room.token,
    keys.secretKey,
    keys.publishableKey,
    token,
    account.body.deviceSessions[0].refreshToken,
    issued.signedToken,
    new URL(issued.logoutUrl).searchParams.get('token') ?? 'none',
  ]) {
    expect(said).not.toContain(secret);
  }
});

it('S48 writes one line for every event of security', async () => {
  const log = listenToLog();
  const headers = { 'x-server-key': keys.secretKey };
  const user = await signIn('watched');
  const guest = await signIn('watched-guest');
  const room = await openRoom(user);
  await joinAs(guest, room);
  await call('POST', '/session/current/kick', { token: room.token, body: { userId: 'watched-guest' } });
  const { body } = await call('POST', '/api/v5/sessions/refresh', {
    body: { refreshToken: user.refreshToken },
  });
  await call('POST', '/api/v5/sessions/refresh', { body: { refreshToken: body.refreshToken } });
  await call('POST', '/api/v5/sessions/refresh', { body: { refreshToken: user.refreshToken } });
  await call('PUT', '/v1/users/watched/ban', { headers, body: {} });
  await call('POST', '/v1/users/watched-guest/tokens', { headers, body: {} });
  const account = await register('watchedOne');
  const { accessToken: token } = account;
  const accountKey = 'a key that is long enough';
  await login('watchedOne', 'not the password');
  await call('PUT', '/users/me/setAccountKey', { token, body: { password: PASSWORD, accountKey } });
  const newPassword = 'another one of them';
  await call('PUT', '/users/me/changePassword', { token, body: { oldPassword: PASSWORD, newPassword } });
  // The change removed the key.
  await call('PUT', '/users/me/setAccountKey', { token, body: { password: newPassword, accountKey } });
  await call('PUT', '/users/resetPassword', { body: { userId: account.uid, accountKey, newPassword } });
  await call('DELETE', '/users/me', { headers: basic('watchedOne', newPassword) });
  await call('GET', '/api/v5/sessions', { token: user.accessToken });
  const events = linesOf(log()).map(({ event }) => event);
  const expected = [
    'signed_in',
    'live_session_created',
    'joined',
    'kicked',
    'refreshed',
    'refresh_reused',
    'key_used',
    'banned',
    'registered',
    'sign_in_failed',
    'account_key_set',
    'password_changed',
    'password_reset',
    'erased',
    'token_issued',
    'refused',
  ];
  for (const event of expected) expect(events).toContain(event);
  expect(events.filter(event => event === 'kicked')).toHaveLength(1);
  expect(events.filter(event => event === 'banned')).toHaveLength(1);
});

describe('S48 after a guessing attack the log alone', () => {
  const from = (address: string) => ({ 'cf-connecting-ip': address });
  const guess = (username: string, address: string) =>
    call('POST', '/users/login', { headers: { ...from(address), ...basic(username, 'a wrong guess') } });

  it('says which names were tried from which network, and neither of them in the clear', async () => {
    await register('guessedOne');
    const log = listenToLog();
    await guess('guessedOne', '203.0.113.7');
    await guess('GUESSEDONE', '203.0.113.7');
    await guess('guessedTwo', '203.0.113.7');
    await guess('guessedOne', '2001:db8:1:2::1');
    await guess('guessedOne', '2001:db8:1:2:ffff::1');
    await guess('guessedOne', '2001:db8:1:3::1');
    const failed = linesOf(log()).filter(({ event }) => event === 'sign_in_failed');
    const [first, sameName, otherName, byV6, sameNetwork, otherNetwork] = failed;
    expect(failed).toHaveLength(6);
    for (const { tried, network, requestId } of failed) {
      expect(tried).toMatch(/^[\w-]{16}$/);
      expect(network).toMatch(/^[\w-]{16}$/);
      expect(requestId).toEqual(expect.any(String));
    }
    expect(sameName?.tried).toBe(first?.tried);
    expect(otherName?.tried).not.toBe(first?.tried);
    expect([sameName?.network, otherName?.network]).toEqual([first?.network, first?.network]);
    expect(byV6?.network).not.toBe(first?.network);
    expect(sameNetwork?.network).toBe(byV6?.network);
    expect(otherNetwork?.network).not.toBe(byV6?.network);
    expect(log()).not.toMatch(/guessed(One|Two)|203\.0\.113|2001:db8/i);
  });

  it.each([
    [
      'a userId',
      () =>
        call('POST', '/api/v5/sessions', {
          key: keys.publishableKey,
          headers: from('203.0.113.8'),
          body: { userId: 'guessed-canary', deviceId: 'd', authToken: 'a.wrong.one' },
        }),
    ],
    [
      'a wallet',
      async () => {
        const wallet = newWallet();
        const { nonce } = await nonceFor(wallet);
        return prove(wallet, messageOf(wallet, nonce, { domain: 'canary.example' }));
      },
    ],
    [
      'an account key',
      async () => {
        const body = {
          userId: (await register('guessedKey')).uid,
          accountKey: 'canary of twenty-five characters',
        };
        const answer = await call('PUT', '/users/resetPassword', {
          headers: from('203.0.113.8'),
          body: { ...body, newPassword: PASSWORD },
        });
        return answer;
      },
    ],
  ])('says who was tried by %s', async (_, attempt) => {
    const log = listenToLog();
    expect([400, 401, 403]).toContain((await attempt()).status);
    const refused = linesOf(log())
      .filter(({ event }) => event === 'refused')
      .at(-1);
    expect(refused?.tried ?? refused?.uid).toBeDefined();
    expect(refused?.network).toMatch(/^[\w-]{16}$/);
    expect(log()).not.toMatch(/canary|203\.0\.113/);
  });
});

it('S48 says in each line who called: a user, a guest or a key', async () => {
  const log = listenToLog();
  const host = await signIn('who-host');
  const guest = await call('POST', '/api/sessions', { headers: elsewhere(), body: { identifier: 'canary' } });
  const room = await openRoom(host, { allowGuests: true });
  await call('POST', '/session/join', {
    token: guest.body.data.token,
    body: { sessionId: room.sessionId },
  });
  await call('DELETE', '/session/current', { token: room.token });
  await call('PUT', '/v1/users/who-host/ban', { headers: { 'x-server-key': keys.secretKey }, body: {} });
  const lines = linesOf(log());
  const lineOf = (name: string) => lines.find(({ event }) => event === name);
  const { uid, sid } = host;
  expect(lineOf('live_session_created')).toMatchObject({ uid, sid });
  expect(lineOf('live_session_deleted')).toMatchObject({ uid, sid });
  expect(lineOf('banned')).toMatchObject({ uid, keyId: keys.accessKey.slice(-32) });
  expect(lineOf('joined')).toMatchObject({ guest: expect.stringMatching(/^guest:/) });
});
