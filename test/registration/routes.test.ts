/** S65, who may make a user: everyone, no one, or people with a registration code; a secret key always may. */
import { describe, expect, it } from 'vitest';
import { basic, PASSWORD } from '../support/accounts.ts';
import { type Answer, call, elsewhere, keys, signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { newWallet, nonceFor, verify } from '../support/wallets.ts';

const closed = deployedWith({ REGISTRATION: 'closed' });
const byCode = deployedWith({ REGISTRATION: 'code' });
type Send = typeof closed;

const headers = { 'x-server-key': keys.secretKey };
let made = 0;
const newName = () => {
  made += 1;
  return `newcomer${made}`;
};
const newCode = async (body: unknown = {}) =>
  (await call('POST', '/v1/registration-codes', { headers, body })).body as { id: string; code: string };

/** The ways in which somebody becomes a user without a secret key. */
const WAYS: [string, (send: Send, extra?: Record<string, unknown>) => Promise<Answer>][] = [
  [
    'an account',
    (send, extra) =>
      send('POST', '/users', {
        headers: elsewhere(),
        body: { name: 'x', username: newName(), password: PASSWORD, ...extra },
      }),
  ],
  [
    'the first sight of a userId',
    (send, extra) =>
      send('POST', '/api/v5/sessions', {
        key: keys.publishableKey,
        body: { userId: newName(), deviceId: 'd', ...extra },
      }),
  ],
  [
    'the first sight of a wallet',
    async (send, extra) => {
      const wallet = newWallet();
      const { message } = await nonceFor(wallet);
      const signature = await wallet.signMessage({ message });
      return verify({ walletAddress: wallet.address, message, signature, ...extra }, send);
    },
  ],
];

const textOf = ({ body }: Answer) => JSON.stringify(body);

describe('works', () => {
  it.each(WAYS)('lets %s in by a code, as often as the code says', async (_, become) => {
    const { code } = await newCode({ uses: 2 });
    const extra = { registrationCode: code };
    expect((await become(byCode, extra)).status).toBe(200);
    expect((await become(byCode, extra)).status).toBe(200);
    expect(await become(byCode, extra)).toMatchObject({ status: 403 });
  });

  it('lists codes without their text, counts their uses, and revokes them', async () => {
    const { id, code } = await newCode({ uses: 3, expiresAt: '2099-01-01T00:00Z' });
    await WAYS[0]?.[1](byCode, { registrationCode: code });
    const { body } = await call('GET', '/v1/registration-codes', { headers });
    expect(body).toContainEqual({
      id,
      uses: 3,
      usesLeft: 2,
      createdAt: expect.any(String),
      expiresAt: '2099-01-01T00:00:00.000Z',
    });
    expect(JSON.stringify(body)).not.toContain(code);
    expect((await call('DELETE', `/v1/registration-codes/${id}`, { headers })).status).toBe(200);
    expect((await WAYS[0]?.[1](byCode, { registrationCode: code }))?.status).toBe(403);
    expect((await call('DELETE', `/v1/registration-codes/${id}`, { headers })).status).toBe(404);
  });

  it('gives a use back where nobody was made', async () => {
    const { code: registrationCode } = await newCode();
    const register = (username: string) =>
      byCode('POST', '/users', {
        headers: elsewhere(),
        body: { name: 'x', username, password: PASSWORD, registrationCode },
      });
    const taken = newName();
    await call('POST', '/users', {
      headers: elsewhere(),
      body: { name: 'x', username: taken, password: PASSWORD },
    });
    expect((await register(taken)).status).toBe(409);
    expect((await register(newName())).status).toBe(200);
    expect((await register(newName())).status).toBe(403);
  });

  it('lets users of before in, and a secret key make users, wherever registration is closed', async () => {
    const username = newName();
    const wallet = newWallet();
    await call('POST', '/users', { headers: elsewhere(), body: { name: 'x', username, password: PASSWORD } });
    await signIn('was-there-before');
    const proofOf = async () => {
      const { message } = await nonceFor(wallet);
      return { walletAddress: wallet.address, message, signature: await wallet.signMessage({ message }) };
    };
    await verify(await proofOf());
    const loggedIn = await closed('POST', '/users/login', {
      headers: { ...elsewhere(), ...basic(username, PASSWORD) },
      body: {},
    });
    const signedIn = await closed('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: 'was-there-before', deviceId: 'd' },
    });
    const proven = await verify(await proofOf(), closed);
    const body = { userId: `made-by-key-${newName()}`, screenName: { screenName: 'x' } };
    const byKey = await closed('POST', '/v1/users', { headers, body });
    expect([loggedIn.status, signedIn.status, proven.status, byKey.status]).toEqual([200, 200, 200, 200]);
  });
});

describe('refuses', () => {
  it.each(WAYS)('%s where registration is closed, and names the setting', async (_, become) => {
    const { code } = await newCode();
    for (const extra of [{}, { registrationCode: code }]) {
      const answer = await become(closed, extra);
      expect(answer.status).toBe(403);
      expect(textOf(answer)).toContain('registration_closed');
      expect(textOf(answer)).toContain('REGISTRATION');
    }
  });

  it.each([
    [{ uses: 0 }],
    [{ uses: 1.5 }],
    [{ expiresAt: '2001-01-01T00:00Z' }],
    [{ expiresAt: 'tomorrow' }],
  ])('to make the code %j', async body => {
    expect((await call('POST', '/v1/registration-codes', { headers, body })).status).toBe(400);
  });
});

describe('keeps out', () => {
  it.each(WAYS)('%s without a code that is good', async (_, become) => {
    const soon = new Date(Date.now() + 300).toISOString();
    const { code: expired } = await newCode({ expiresAt: soon });
    while (Date.now() <= Date.parse(soon)) await scheduler.wait(20);
    for (const registrationCode of [undefined, null, '', 'rc_guess', expired, `${expired} `]) {
      const answer = await become(byCode, { registrationCode });
      expect(answer.status).toBe(403);
      expect(textOf(answer)).toContain('registration_code_required');
    }
  });

  it('all but one of 20 who bring one code of one use at the same time', async () => {
    const { code } = await newCode();
    const enter = WAYS[1]?.[1];
    const all = Array.from({ length: 20 }, () => enter?.(byCode, { registrationCode: code }));
    const statuses = (await Promise.all(all)).map(answer => answer?.status);
    expect(statuses.filter(status => status === 200)).toHaveLength(1);
    expect(statuses.filter(status => status === 403)).toHaveLength(19);
  });

  it('everybody without a secret key from the codes', async () => {
    const { accessToken: token } = await signIn('wants-codes');
    for (const [method, path] of [
      ['POST', ''],
      ['GET', ''],
      ['DELETE', '/x'],
    ] as const) {
      const address = `/v1/registration-codes${path}`;
      const body = method === 'POST' ? { body: {} } : {};
      expect((await call(method, address, body)).status).toBe(401);
      expect((await call(method, address, { token, ...body })).status).toBe(403);
      expect((await call(method, address, { key: keys.publishableKey, ...body })).status).toBe(401);
    }
  });
});
