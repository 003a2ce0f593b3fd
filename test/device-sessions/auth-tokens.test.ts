import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, claimsOf, keys, signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';

afterEach(() => {
  vi.useRealTimers();
});

const asServer = { 'x-server-key': keys.secretKey };
const issue = async (userId: string): Promise<string> => {
  const { status, body } = await call('POST', '/api/v4/authentication/token', {
    headers: asServer,
    body: { userId },
  });
  if (status !== 200) throw new Error(`authToken: ${status}`);
  return body;
};
const signInWith = (userId: string, authToken?: string, send = call) =>
  send('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: crypto.randomUUID(), authToken },
  });

describe('works', () => {
  it('issues a token as plain text (v4) and as a JSON string (v3), for a user nobody knew', async () => {
    const plain = await call('POST', '/api/v4/authentication/token', {
      headers: asServer,
      body: { userId: 'secured' },
    });
    expect(plain.status).toBe(200);
    expect(plain.headers.get('content-type')).toMatch(/^text\/plain/);
    const json = await call('GET', '/api/v3/authentication/token?userId=secured', { headers: asServer });
    expect(json.headers.get('content-type')).toMatch(/^application\/json/);
    for (const token of [plain.body, json.body]) {
      const { exp, iat, sub } = claimsOf(token) as { exp: number; iat: number; sub: string };
      expect(exp - iat).toBe(600);
      expect(sub).toBe('secured');
      const { status, body } = await signInWith('secured', token);
      expect(status).toBe(200);
      expect(body.users[0].userId).toBe('secured');
    }
  });

  it('signs in where the network is secure, and an open user where it is not', async () => {
    const secure = deployedWith({ NETWORK_MODE: 'secure' });
    expect((await signInWith('strict', await issue('strict'), secure)).status).toBe(200);
    await signIn('once-open');
    const token = await issue('once-open');
    expect((await signInWith('once-open', token)).status).toBe(200);
  });
});

describe('refuses', () => {
  it.each(['', 'me', '.system', 'a/b'])('userId %j with 422', async userId => {
    const posted = await call('POST', '/api/v4/authentication/token', {
      headers: asServer,
      body: { userId },
    });
    expect(posted).toMatchObject({ status: 422, body: { code: 500000 } });
    const path = `/api/v3/authentication/token?userId=${encodeURIComponent(userId)}`;
    expect((await call('GET', path, { headers: asServer })).status).toBe(422);
  });

  it('a second use', async () => {
    const token = await issue('twice');
    expect((await signInWith('twice', token)).status).toBe(200);
    expect(await signInWith('twice', token)).toMatchObject({ status: 401, body: { code: 400100 } });
  });

  it('49 of 50 parallel uses', async () => {
    const token = await issue('parallel');
    const answers = await Promise.all(Array.from({ length: 50 }, () => signInWith('parallel', token)));
    expect(answers.filter(answer => answer.status === 200)).toHaveLength(1);
    expect(answers.filter(answer => answer.status === 401)).toHaveLength(49);
  });

  it('a token after ten minutes', async () => {
    const token = await issue('slow');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
    expect((await signInWith('slow', token)).status).toBe(401);
  });

  it("another user's token, which stays good for its own", async () => {
    const token = await issue('hers');
    await issue('his');
    expect((await signInWith('his', token)).status).toBe(401);
    expect((await signInWith('nobody-yet', token)).status).toBe(401);
    expect((await signInWith('hers', token)).status).toBe(200);
  });

  it('tokens of every other kind', async () => {
    const user = await signIn('mixed');
    for (const token of ['x', user.accessToken, user.refreshToken]) {
      expect((await signInWith('mixed', token)).status).toBe(401);
    }
  });
});

describe('keeps out', () => {
  it('whoever has no secret key', async () => {
    const user = await signIn('outsider');
    const body = { userId: 'victim' };
    for (const [status, options] of [
      [401, {}],
      [401, { headers: { 'x-server-key': 'sk_nonsense' } }],
      [401, { headers: { 'x-server-key': keys.publishableKey } }],
      [403, { token: user.accessToken }],
    ] as const) {
      expect((await call('POST', '/api/v4/authentication/token', { ...options, body })).status).toBe(status);
      expect((await call('GET', '/api/v3/authentication/token?userId=victim', options)).status).toBe(status);
    }
  });

  it('a bare userId, where the network is secure', async () => {
    const secure = deployedWith({ NETWORK_MODE: 'secure' });
    for (const userId of ['stranger', 'outsider']) {
      expect(await signInWith(userId, undefined, secure)).toMatchObject({
        status: 401,
        body: { code: 400100 },
      });
    }
  });

  it('S23 a bare userId once the user is closed, and everything it had opened before', async () => {
    const squatter = await signIn('taken-over');
    await issue('taken-over');
    expect((await call('GET', '/api/v5/sessions', { token: squatter.accessToken })).status).toBe(401);
    const again = await call('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: squatter.refreshToken },
    });
    expect(again.status).toBe(401);
    expect((await signInWith('taken-over')).status).toBe(401);
    const owner = await signInWith('taken-over', await issue('taken-over'));
    expect(owner.status).toBe(200);
    await issue('taken-over');
    expect((await call('GET', '/api/v5/sessions', { token: owner.body.accessToken })).status).toBe(200);
  });

  it('S23 a bare sign-in that races the closing', async () => {
    for (let round = 0; round < 30; round += 1) {
      const userId = `raced-${round}`;
      await signIn(userId);
      const [bare] = await Promise.all([signInWith(userId), issue(userId)]);
      expect([200, 401]).toContain(bare.status);
      if (bare.status !== 200) continue;
      expect((await call('GET', '/api/v5/sessions', { token: bare.body.accessToken })).status).toBe(401);
    }
  });
});
