/** S56: which calls are limited, over every route there is. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { LimitName } from '../../src/http/counter.ts';
import { type Call, keys, signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { addressOf, type Caller, meet, rows } from '../support/route-rows.ts';

interface Asked {
  name: string;
  key: string;
}

/** A deployment whose limits answer as told, and what they were asked. */
function limitedBy(success: boolean) {
  const asked: Asked[] = [];
  const names = Object.keys(env).filter(name => name.endsWith('_LIMIT')) as LimitName[];
  const limits = names.map(name => [
    name,
    {
      limit: async ({ key }: { key: string }) => {
        asked.push({ name, key: key.replace(/ \d$/, '') });
        return { success };
      },
    },
  ]);
  return { ask: deployedWith(Object.fromEntries(limits)), asked };
}

const SAFE = ['GET', 'HEAD'];
/** Their answers are constants, or come from memory: they cost no trip to storage. */
const FREE = new Set([
  'GET /',
  'GET /health',
  'GET /.well-known/jwks.json',
  ...['v3', 'v4', 'v5'].map(version => `GET /api/${version}/network-settings/chat`),
]);
/** Callers that have a subject of their own. A secret key is a server of the deployment's owner. */
const SUBJECTS: Caller[] = ['stranger', 'owner', 'member', 'host', 'device'];

const people = await meet('limits');

const asCalled = (caller: Caller, { body, headers }: (typeof rows)[string]): Call => {
  const by = people.presented[caller];
  return { ...by, body, headers: { ...headers, ...by.headers } };
};

describe.each(Object.entries(rows))('%s', (route, row) => {
  const [method = '', path = ''] = route.split(' ');
  const isRead = SAFE.includes(method) && !path.endsWith('/logout');
  const address = addressOf(path, people.owner.userId, row);
  const nobody: Caller[] = FREE.has(route) ? [] : ['nobody'];
  const callers = isRead ? nobody : [...nobody, ...SUBJECTS];
  const limited = callers.filter(caller => row.through.includes(caller));

  it.runIf(limited.length > 0)('is limited, at the price of one call', async () => {
    for (const caller of limited) {
      const { ask, asked } = limitedBy(false);
      const { status, headers } = await ask(method, address, asCalled(caller, row));
      expect([caller, status]).toEqual([caller, 429]);
      expect(headers.get('retry-after')).toBe('60');
      expect(new Set(asked.map(({ name }) => name)).size).toBe(1);
      expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    }
  });
});

describe('a limit', () => {
  it('is asked once where a request passes two', async () => {
    const { ask, asked } = limitedBy(true);
    const ada = await signIn('limits-ada');
    const change = { oldPassword: 'x', newPassword: 'y' };
    await ask('PUT', '/users/me/changePassword', { token: ada.accessToken, body: change });
    expect(asked).toEqual([{ name: 'PASSWORD_LIMIT', key: 'unknown' }]);
  });

  it('counts the writes of one user together, on every surface and from every address', async () => {
    const { ask, asked } = limitedBy(true);
    const ada = await signIn('limits-bob');
    const from = (address: string) => ({ 'cf-connecting-ip': address });
    const me = { token: ada.accessToken };
    await ask('PUT', '/users/me', { ...me, body: {}, headers: from('203.0.113.1') });
    const session = { ...me, key: keys.publishableKey, headers: from('203.0.113.2') };
    const { body } = await ask('POST', '/session', session);
    const { token } = body.credentials;
    await ask('PATCH', '/session/current', { token, body: { rules: {} }, headers: from('203.0.113.3') });
    await ask('POST', '/v1/users/me/presence', { ...me, body: { type: 'x' } });
    expect(asked).toEqual(Array(4).fill({ name: 'WRITE_LIMIT', key: `user ${ada.uid}` }));
  });

  it('leaves the reads of a user and the calls of a secret key alone', async () => {
    const { ask, asked } = limitedBy(false);
    const ada = await signIn('limits-cy');
    expect((await ask('GET', '/users/me', { token: ada.accessToken })).status).toBe(200);
    const headers = { 'x-server-key': keys.secretKey };
    expect((await ask('PUT', '/v1/roles/limits', { headers, body: {} })).status).toBe(200);
    expect(asked).toEqual([]);
  });

  it('lets a class of 40 behind one address register, sign in and search at once, in production too', async () => {
    const ask = deployedWith({ ENVIRONMENT: 'production', PUBLIC_URL: 'https://usher.example' });
    const headers = { 'cf-connecting-ip': '203.0.113.40' };
    const pupil = async () => [
      (await ask('POST', '/users', { headers, body: {} })).status,
      (await ask('POST', '/users/login', { headers, body: {} })).status,
      (await ask('GET', '/users?s=', { headers })).status,
    ];
    const heard = await Promise.all(Array.from({ length: 40 }, pupil));
    expect(new Set(heard.flat())).toEqual(new Set([400, 401]));
  });
});
