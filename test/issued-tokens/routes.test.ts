/** Tokens that an application's server issues: device sessions like any other, on every surface. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loginAs, PASSWORD, register } from '../support/accounts.ts';
import {
  call,
  claimsOf,
  elsewhere,
  joinAs,
  keys,
  openRoom,
  type SignedIn,
  signIn,
  trips,
} from '../support/client.ts';
import { listen } from '../support/socket.ts';

afterEach(() => {
  vi.useRealTimers();
});

const asSystem = { 'x-server-key': keys.secretKey };
const DAY_S = 86_400;
const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

async function create(userId: string): Promise<string> {
  const body = { userId, screenName: { screenName: userId } };
  const answer = await call('POST', '/v1/users', { headers: asSystem, body });
  if (answer.status !== 200) throw new Error(`create: ${answer.status} ${JSON.stringify(answer.body)}`);
  return userId;
}

interface Issued extends SignedIn {
  tokenId: string;
  logoutUrl: string;
  ttl: number;
}

function toIssued({ userToken }: { userToken: Record<string, never> }): Issued {
  const { signedToken, tokenId, logoutUrl, ttl } = userToken as unknown as Record<string, string>;
  const { uid, sub, sid } = claimsOf(signedToken ?? '') as { uid: number; sub: string; sid: string };
  const base = { uid, userId: sub, sid, accessToken: signedToken ?? '', refreshToken: '' };
  return { ...base, tokenId: tokenId ?? '', logoutUrl: logoutUrl ?? '', ttl: Number(ttl) };
}

async function issue(userId: string, body: unknown = {}): Promise<Issued> {
  const answer = await call('POST', `/v1/users/${userId}/tokens`, { headers: asSystem, body });
  if (answer.status !== 200) throw new Error(`issue: ${answer.status} ${JSON.stringify(answer.body)}`);
  return toIssued(answer.body);
}

const verify = async ({ accessToken }: Pick<SignedIn, 'accessToken'>) =>
  (await call('GET', '/api/v5/sessions', { token: accessToken })).status;
const list = (token: string) => call('GET', '/v1/users/me/tokens', { token });
const extend = (
  user: string,
  tokenId: string,
  ttl: number,
  by: { token?: string; headers?: Record<string, string> },
) => call('PUT', `/v1/users/${user}/tokens/${tokenId}`, { ...by, body: { ttl } });
const path = (url: string) => new URL(url).pathname + new URL(url).search;

describe('works', () => {
  it('issues a token that is good on every surface', async () => {
    const user = await create('issued-to-1');
    const { status, body } = await call('POST', `/v1/users/${user}/tokens`, { headers: asSystem });
    expect(status).toBe(200);
    expect(body).toEqual({
      userToken: {
        signedToken: expect.any(String),
        tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        ttl: 30 * DAY_S,
        supportedHeaders: ['Authorization', 'X-Issued-Mitter-User-Authorization'],
        supportedCookies: [],
        logoutUrl: expect.stringMatching(/^http:\/\/localhost:8787\/v1\/users\/me\/logout\?token=/),
      },
    });
    expect(claimsOf(body.userToken.signedToken)).toMatchObject({ sub: user, userId: user });
    const issued = toIssued(body);
    expect(await verify(issued)).toBe(200);
    expect((await call('GET', '/users/me', { token: issued.accessToken })).body.name).toBe('issued-to-1');
    const byHeader = { 'X-Issued-Mitter-User-Authorization': issued.accessToken };
    expect((await call('GET', '/v1/users/me', { headers: byHeader })).body.userId).toBe('issued-to-1');
    const room = await openRoom(await signIn('issued-host'));
    await joinAs(issued, room);
    expect((await list(issued.accessToken)).body).toEqual([
      {
        tokenId: issued.tokenId,
        ttl: expect.any(Number),
        createdAt: expect.stringMatching(ISO),
        device: { id: expect.any(String) },
      },
    ]);
  });

  it('lives for its ttl to the second, and cannot be refreshed', async () => {
    const issued = await issue(await create('short-lived'), { ttl: 60 });
    expect(issued.ttl).toBe(60);
    const { exp, iat } = claimsOf(issued.accessToken) as { exp: number; iat: number };
    expect(exp - iat).toBe(60);
    const refreshed = await call('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: issued.accessToken },
    });
    expect(refreshed.status).toBe(401);
    vi.useFakeTimers({ toFake: ['Date'], now: exp * 1000 - 1 });
    expect(await verify(issued)).toBe(200);
    vi.setSystemTime(exp * 1000);
    expect(await verify(issued)).toBe(401);
  });

  it('lists device sessions of every surface, without their tokens', async () => {
    const account = await register('listedEach');
    await issue(account.userId);
    const { status, body } = await call('GET', `/v1/users/${account.userId}/tokens`, { headers: asSystem });
    expect(status).toBe(200);
    expect(body.map(({ tokenId }: { tokenId: string }) => tokenId)).toContain(account.sid);
    expect(body).toHaveLength(2);
    expect(JSON.stringify(body)).not.toContain('eyJ');
    const devices = await call('GET', '/users/me/devices', { token: account.accessToken });
    expect(devices.body).toHaveLength(2);
    expect(trips(await list(account.accessToken))).toEqual([0, 1]);
  });

  it('extends a token under the same id, and the earlier text dies', async () => {
    const issued = await issue(await create('extended-1'), { ttl: 3600 });
    const room = await openRoom(await signIn('extended-host'));
    const seat = await joinAs(issued, room);
    const { status, body } = await extend('extended-1', issued.tokenId, 7200, { headers: asSystem });
    expect(status).toBe(200);
    const next = toIssued(body);
    expect([next.tokenId, next.ttl]).toEqual([issued.tokenId, 7200]);
    expect(await verify(next)).toBe(200);
    for (const [method, where] of [
      ['GET', '/api/v5/sessions'],
      ['GET', '/users/me'],
      ['GET', '/users/me/devices'],
      ['DELETE', '/users/me/devices'],
      ['GET', '/v1/users/me'],
      ['GET', '/v1/users/me/tokens'],
      ['POST', '/users/me/logout'],
      ['DELETE', '/api/v5/sessions'],
    ] as const) {
      expect([where, (await call(method, where, { token: issued.accessToken })).status]).toEqual([
        where,
        401,
      ]);
    }
    const joining = { token: issued.accessToken, body: { sessionId: room.sessionId } };
    expect((await call('POST', '/session/join', joining)).status).toBe(401);
    expect((await call('GET', '/session/current', { token: seat })).status).toBe(200);
    const introspected = await call('POST', '/oauth2/introspect', {
      headers: { ...asSystem, 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${issued.accessToken}`,
    });
    expect(introspected.body).toEqual({ active: false });
  });

  it('lets its user extend it by no more than it was issued for, again and again', async () => {
    const issued = await issue(await create('extends-own'), { ttl: 3600 });
    const token = issued.accessToken;
    expect(await extend('me', issued.tokenId, 3601, { token })).toMatchObject({
      status: 403,
      body: { errorCode: 'missing_privilege' },
    });
    const first = await extend('me', issued.tokenId, 60, { token });
    expect(first.status).toBe(200);
    const second = await extend('extends-own', issued.tokenId, 3600, {
      token: first.body.userToken.signedToken,
    });
    expect(second.status).toBe(200);
    expect(await verify({ accessToken: second.body.userToken.signedToken })).toBe(200);
  });

  it('extends nothing past a year from its creation', async () => {
    const issued = await issue(await create('a-year-long'), { ttl: 365 * DAY_S });
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: now + DAY_S * 1000 });
    const years = await extend('a-year-long', issued.tokenId, 365 * DAY_S, { headers: asSystem });
    expect(years).toMatchObject({ status: 400, body: { code: 'token_life_exceeded' } });
    const days = await extend('a-year-long', issued.tokenId, 363 * DAY_S, { headers: asSystem });
    expect(days.status).toBe(200);
  });

  it('revokes one, several, and says which were not there', async () => {
    const user = await create('revoked-of');
    const tokens = [await issue(user), await issue(user), await issue(user)];
    const [one, two, three] = tokens.map(({ tokenId }) => tokenId);
    const revoke = (ids: string, by: object) => call('DELETE', `/v1/users/revoked-of/tokens/${ids}`, by);
    expect(await revoke(`${one},unknown`, { headers: asSystem })).toMatchObject({
      status: 404,
      body: { code: 'token_not_found', detail: 'unknown' },
    });
    expect(await verify(tokens[0] as Issued)).toBe(401);
    const answer = await revoke(`${two},${three}`, { token: tokens[2]?.accessToken });
    expect([answer.status, answer.body]).toEqual([200, '']);
    for (const token of tokens) expect(await verify(token)).toBe(401);
  });

  it('logs out by header and by a link, which can do nothing else', async () => {
    const user = await create('logs-out-by');
    const [header, link] = [await issue(user), await issue(user)];
    expect((await call('GET', '/v1/users/me/logout', { token: header.accessToken })).status).toBe(200);
    expect(await verify(header)).toBe(401);
    const logoutToken = new URL(link.logoutUrl).searchParams.get('token') ?? '';
    for (const [method, where] of [
      ['GET', '/v1/users/me'],
      ['GET', '/users/me'],
      ['GET', '/api/v5/sessions'],
      ['DELETE', '/api/v5/sessions'],
      ['GET', `/v1/users/me?token=${logoutToken}`],
    ] as const) {
      expect((await call(method, where, { token: logoutToken })).status).toBe(401);
    }
    expect(await verify(link)).toBe(200);
    const page = await call('GET', path(link.logoutUrl), { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.body).toContain('signed out');
    expect(await verify(link)).toBe(401);
    expect((await call('GET', path(link.logoutUrl))).status).toBe(401);
  });

  it('logs out by the link of before an extension, too', async () => {
    const issued = await issue(await create('link-of-before'));
    const next = toIssued((await extend('link-of-before', issued.tokenId, 3600, { headers: asSystem })).body);
    expect((await call('GET', path(issued.logoutUrl))).status).toBe(200);
    expect(await verify(next)).toBe(401);
  });

  it('closes the entry of a user of the SDK, whose bare sign-ins end (S23)', async () => {
    const bare = await signIn('vouched-for-now');
    const issued = await issue('vouched-for-now');
    expect(issued.uid).toBe(bare.uid);
    expect(await verify(bare)).toBe(401);
    const again = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: 'vouched-for-now', deviceId: 'd' },
    });
    expect(again.status).toBe(401);
    expect(await verify(issued)).toBe(200);
  });

  it('ends with a new password, and its sockets close', async () => {
    const account = await register('tokenEnds1');
    const issued = await issue(account.userId);
    const socket = await listen(await joinAs(issued, await openRoom(await signIn('token-ends-host'))));
    await socket.heard('SessionState');
    const change = await call('PUT', '/users/me/changePassword', {
      token: account.accessToken,
      headers: elsewhere(),
      body: { oldPassword: PASSWORD, newPassword: 'another battery' },
    });
    expect(change.status).toBe(200);
    expect(await verify(issued)).toBe(401);
    expect((await socket.hasClosed()).code).toBe(4401);
  });
});

describe('refuses', () => {
  it.each([59, 31_536_001, 1.5, '60', -1])('a ttl of %s', async ttl => {
    await call('POST', '/v1/users', {
      headers: asSystem,
      body: { userId: 'ttl-refused', screenName: { screenName: 'x' } },
    });
    const answer = await call('POST', '/v1/users/ttl-refused/tokens', { headers: asSystem, body: { ttl } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'ttl' }] } });
  });

  it('to extend what is no issued token, not there, or ended', async () => {
    const account = await register('notIssued1');
    expect(await extend(account.userId, account.sid, 3600, { headers: asSystem })).toMatchObject({
      status: 400,
      body: { code: 'token_not_extendable' },
    });
    expect(await extend(account.userId, 'unknown', 3600, { headers: asSystem })).toMatchObject({
      status: 404,
      body: { code: 'token_not_found' },
    });
    const issued = await issue(account.userId, { ttl: 60 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect((await extend(account.userId, issued.tokenId, 3600, { headers: asSystem })).status).toBe(404);
  });

  it('an unknown user, the built-in ones, and me of a secret key', async () => {
    const at = (id: string) => call('POST', `/v1/users/${id}/tokens`, { headers: asSystem, body: {} });
    expect((await at('nobody-here')).body.code).toBe('user_not_found');
    expect(await at('.system')).toMatchObject({ status: 403, body: { errorCode: 'missing_privilege' } });
    expect((await at('.anonymous')).status).toBe(403);
    expect(await at('me')).toMatchObject({ status: 400, body: { errorCode: 'missing_context' } });
    expect(await call('GET', '/v1/users/me/logout', { headers: asSystem })).toMatchObject({
      status: 400,
      body: { errorCode: 'missing_context' },
    });
    const banned = await create('banned-token');
    await call('PUT', `/v1/users/${banned}/ban`, { headers: asSystem, body: {} });
    expect(await at(banned)).toMatchObject({ status: 401, body: { code: 'sign_in_refused' } });
  });
});

describe('keeps out', () => {
  it('strangers from tokens that are not theirs (S32)', async () => {
    const [owner, stranger] = [
      await issue(await create('token-owner')),
      await issue(await create('token-thief')),
    ];
    const token = stranger.accessToken;
    const denied = { status: 403, body: { errorCode: 'missing_privilege' } };
    expect(await call('GET', '/v1/users/token-owner/tokens', { token })).toMatchObject(denied);
    expect(await extend('token-owner', owner.tokenId, 60, { token })).toMatchObject(denied);
    expect(await call('DELETE', `/v1/users/token-owner/tokens/${owner.tokenId}`, { token })).toMatchObject(
      denied,
    );
    expect(await call('POST', '/v1/users/token-thief/tokens', { token, body: {} })).toMatchObject(denied);
    // Under their own name, another's token is not there.
    expect((await call('DELETE', `/v1/users/me/tokens/${owner.tokenId}`, { token })).status).toBe(404);
    expect((await extend('me', owner.tokenId, 60, { token })).status).toBe(404);
    expect(await verify(owner)).toBe(200);
  });

  it('nobody, and whoever has ended', async () => {
    const issued = await issue(await create('ended-token'));
    await call('GET', '/v1/users/me/logout', { token: issued.accessToken });
    for (const token of [undefined, issued.accessToken, 'x.y.z']) {
      for (const [method, where, body] of [
        ['GET', '/v1/users/me/tokens'],
        ['GET', '/v1/users/me/logout'],
        ['PUT', `/v1/users/me/tokens/${issued.tokenId}`, { ttl: 60 }],
        ['DELETE', `/v1/users/me/tokens/${issued.tokenId}`],
        ['POST', '/v1/users/ended-token/tokens', {}],
      ] as const) {
        expect([where, (await call(method, where, { token, body })).status]).toEqual([where, 401]);
      }
    }
    expect((await call('GET', '/v1/users/me/logout?token=forged')).status).toBe(401);
    expect((await call('GET', `/v1/users/me/logout?token=${issued.accessToken}`)).status).toBe(401);
    expect(await loginAs(await register('unrelated1').then(({ username }) => username))).toBeDefined();
  });
});
