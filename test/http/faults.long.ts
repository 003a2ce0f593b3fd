/** S58: faults of storage, injected at the bindings: over every route there is, and in the middle of what routes do. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { basic, PASSWORD, register } from '../support/accounts.ts';
import {
  breakingOff,
  brokenDatabase,
  brokenFiles,
  brokenObjects,
  type Fault,
  lost,
  OBJECTS,
  overloaded,
} from '../support/broken-bindings.ts';
import { type Answer, call, elsewhere, joinAs, keys, openRoom, signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { addressOf, CALLERS, meet, rows } from '../support/route-rows.ts';
import { newWallet, nonceFor } from '../support/wallets.ts';

type Ask = ReturnType<typeof deployedWith>;

const FILE_METHODS = ['get', 'head', 'put', 'delete', 'list'];

/** Every way in which one binding is broken, by name; it answers so many calls first. */
const breakages: [name: string, breakage: (fault: Fault, calls: number) => Record<string, unknown>][] = [
  ['D1', brokenDatabase],
  ['R2', fault => brokenFiles(fault, FILE_METHODS)],
  ...OBJECTS.map(
    name => [name, (fault: Fault, calls: number) => brokenObjects(name, fault, calls)] as [string, never],
  ),
];

function expectHonest({ status, headers, body }: Answer, said: string): void {
  const text = JSON.stringify(body);
  if (status >= 500) {
    expect(`${said}: ${status} ${text}`).toMatch(/: 503 /);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  }
  expect(text).not.toMatch(/overloaded|Network connection|SQLITE/);
}

const people = await meet('faults');

describe.each(breakages)('with %s away', (_, breakage) => {
  it.each([
    ['overloaded', overloaded],
    ['lost', lost],
  ])('(%s) no route answers a bare 500', async (_name, fault) => {
    const ask = deployedWith(breakage(fault, 0));
    for (const [route, row] of Object.entries(rows)) {
      const [method = '', path = ''] = route.split(' ');
      for (const caller of CALLERS) {
        const by = people.presented[caller];
        const called = { ...by, body: row.body, headers: { ...row.headers, ...by.headers } };
        const answer = await ask(method, addressOf(path, people.owner.userId, row), called);
        expectHonest(answer, `${route} by ${caller}`);
      }
    }
  });
});

let made = 0;
/** A name that no earlier call of this file used. */
const fresh = (): string => {
  made += 1;
  return `faulty${made}`;
};
const json = (body: unknown) => ({ body, headers: elsewhere() });
const bytes = { 'content-type': 'txt', 'content-length': '1' };

/** Calls that go all the way, each made ready with sound storage. */
const deeds: Record<string, () => Promise<(ask: Ask) => Promise<Answer>>> = {
  'signing in for the first time': async () => {
    const body = { userId: fresh(), deviceId: 'd' };
    return ask => ask('POST', '/api/v5/sessions', { ...json(body), key: keys.publishableKey });
  },
  registering: async () => {
    const body = { name: 'Ada', username: fresh(), password: PASSWORD };
    return ask => ask('POST', '/users', json(body));
  },
  'logging in': async () => {
    const { username } = await register(fresh());
    return ask => ask('POST', '/users/login', { headers: { ...elsewhere(), ...basic(username, PASSWORD) } });
  },
  'changing a password': async () => {
    const { accessToken: token } = await register(fresh());
    const body = { oldPassword: PASSWORD, newPassword: 'another good one' };
    return ask => ask('PUT', '/users/me/changePassword', { ...json(body), token });
  },
  refreshing: async () => {
    const { refreshToken } = await signIn(fresh());
    return ask => ask('POST', '/api/v5/sessions/refresh', json({ refreshToken }));
  },
  'renaming oneself': async () => {
    const { accessToken: token } = await register(fresh());
    return ask => ask('PUT', '/users/me', { token, body: { name: 'Renamed' } });
  },
  'proving a wallet': async () => {
    const wallet = newWallet();
    const { message } = await nonceFor(wallet);
    const signature = await wallet.signMessage({ message });
    const body = { walletAddress: wallet.address, message, signature };
    return ask => ask('POST', '/wallet-proof/verify?chain=Ethereum', json(body));
  },
  'making a room': async () => {
    const { accessToken: token } = await signIn(fresh());
    return ask => ask('POST', '/session', { token, key: keys.publishableKey });
  },
  joining: async () => {
    const room = await openRoom(await signIn(fresh()));
    const { accessToken: token } = await signIn(fresh());
    return ask => ask('POST', '/session/join', { ...json({ sessionId: room.sessionId }), token });
  },
  kicking: async () => {
    const room = await openRoom(await signIn(fresh()));
    const guest = await signIn(fresh());
    await joinAs(guest, room);
    const body = { userId: guest.userId };
    return ask => ask('POST', '/session/current/kick', { token: room.token, body });
  },
  uploading: async () => {
    const { accessToken: token } = await signIn(fresh());
    return ask => ask('POST', '/uploads', { token, body: 'x', headers: bytes });
  },
  'looking at an upload': async () => {
    const { accessToken: token } = await signIn(fresh());
    const { body } = await call('POST', '/uploads', { token, body: 'x', headers: bytes });
    return ask => ask('GET', `/uploads/${body.name}`);
  },
  'uploading into a room': async () => {
    const { token } = await openRoom(await signIn(fresh()));
    const headers = { 'file-name': 'x.txt', 'content-type': 'text/plain', 'content-length': '1' };
    return ask => ask('POST', '/session/current/files', { token, body: 'x', headers });
  },
  'issuing a token': async () => {
    const { userId } = await signIn(fresh());
    const headers = { 'x-server-key': keys.secretKey };
    return ask => ask('POST', `/v1/users/${userId}/tokens`, { headers, body: {} });
  },
  banning: async () => {
    const { userId } = await signIn(fresh());
    const headers = { 'x-server-key': keys.secretKey };
    return ask => ask('PUT', `/v1/users/${userId}/ban`, { headers, body: {} });
  },
  erasing: async () => {
    const { userId } = await signIn(fresh());
    const headers = { 'x-server-key': keys.secretKey };
    return ask => ask('DELETE', `/v1/users/${userId}`, { headers });
  },
  'signing out everywhere': async () => {
    const user = await signIn(fresh());
    const room = await openRoom(await signIn(fresh()));
    await joinAs(user, room);
    const headers = { 'x-server-key': keys.secretKey };
    return ask => ask('DELETE', `/api/v5/sessions/users/${user.userId}`, { headers });
  },
  'starting a device token': async () => ask => ask('POST', '/api/sessions', json({ identifier: 'x' })),
  introspecting: async () => {
    const { accessToken } = await signIn(fresh());
    const headers = {
      'x-server-key': keys.secretKey,
      'content-type': 'application/x-www-form-urlencoded',
    };
    return ask => ask('POST', '/oauth2/introspect', { headers, body: `token=${accessToken}` });
  },
};

describe.each(Object.keys(deeds))('%s', deed => {
  it.each(breakages)('is honest while %s fails, at once or after some calls', async (name, breakage) => {
    for (const calls of name === 'R2' ? [0] : [0, 1, 2, 3]) {
      const act = await deeds[deed]?.();
      const answer = await act?.(deployedWith(breakage(lost, calls)));
      expectHonest(answer as Answer, `${deed} with ${name} after ${calls}`);
    }
  });
});

describe.each([0, 1, 2])('an upload whose store fails after %i chunks', chunks => {
  const body = 'x'.repeat(200_000);
  const ask = deployedWith(breakingOff(lost, chunks));

  it('ends at once, and gives back its place among the uploads of its user', async () => {
    const { uid, accessToken: token } = await signIn(fresh());
    const headers = { ...bytes, 'content-length': String(body.length) };
    expect(await ask('POST', '/uploads', { token, body, headers })).toMatchObject({ status: 503 });
    const left = env.DB.prepare('SELECT count(*) AS n FROM uploads WHERE uid = ?').bind(uid);
    expect(await left.first('n')).toBe(0);
  });

  it('ends at once, and gives back its place in the live session', async () => {
    const { token } = await openRoom(await signIn(fresh()), { maxFiles: 1 });
    const headers = { 'file-name': 'x.txt', 'content-type': 'text/plain' };
    const send = (to: Ask, text: string) =>
      to('POST', '/session/current/files', {
        token,
        body: text,
        headers: { ...headers, 'content-length': String(text.length) },
      });
    expect(await send(ask, body)).toMatchObject({ status: 503, body: { code: 'storage_unavailable' } });
    expect((await send(deployedWith({}), 'x')).status).toBe(200);
  });
});
