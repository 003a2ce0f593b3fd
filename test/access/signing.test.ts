/** S29: requests signed with nothing but node:crypto, as the documents say, and everything that is bound by it. */

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, keys, signIn } from '../support/client.ts';
import { type Signing, signed } from '../support/signing.ts';

afterEach(() => {
  vi.useRealTimers();
});

const NEW = JSON.stringify({ userId: 'signed-for-01', screenName: { screenName: 'Sïgned' } });

describe('works', () => {
  it('with a body, and without one', async () => {
    expect(await signed({ method: 'POST', path: '/v1/users', body: NEW })).toMatchObject({
      status: 200,
      // In development, JSON ends with a newline.
      body: '{"identifier":"signed-for-01"}\n',
    });
    const read = await signed({ method: 'GET', path: '/v1/users/signed-for-01' });
    expect([read.status, JSON.parse(read.body).screenName.screenName]).toEqual([200, 'Sïgned']);
    const issued = await signed({
      method: 'POST',
      path: '/v1/users/signed-for-01/tokens',
      contentType: 'application/json',
    });
    expect(issued.status).toBe(200);
  });

  it('whatever the query says, which is not bound', async () => {
    const path = '/v1/users?limit=1';
    expect((await signed({ method: 'GET', path })).status).toBe(200);
    expect((await signed({ method: 'GET', path, sent: { path: '/v1/users?limit=2' } })).status).toBe(200);
  });

  it('over the raw path', async () => {
    const body = JSON.stringify({ userId: '#raw-path', screenName: { screenName: 'x' } });
    expect((await signed({ method: 'POST', path: '/v1/users', body })).status).toBe(200);
    expect((await signed({ method: 'GET', path: '/v1/users/%23raw-path' })).status).toBe(200);
  });

  it('thirty seconds off, and no longer', async () => {
    const now = Math.floor(Date.now() / 1000) * 1000;
    vi.useFakeTimers({ toFake: ['Date'], now });
    const at = (offset: number) =>
      signed({ method: 'GET', path: '/v1/keys', date: new Date(now + offset).toUTCString() });
    for (const offset of [-30_000, 30_000]) expect((await at(offset)).status).toBe(200);
    for (const offset of [-31_000, 31_000]) expect((await at(offset)).status).toBe(401);
  });
});

describe('keeps out', () => {
  const get = { method: 'GET', path: '/v1/keys' };
  const post = { method: 'POST', path: '/v1/users', body: NEW };
  const forgeries: [string, Signing][] = [
    ['another method', { ...get, path: '/v1/users/me', sent: { method: 'DELETE' } }],
    ['another path', { ...get, sent: { path: '/v1/roles' } }],
    ['another spelling of the path', { ...get, sent: { path: '/v1/%6beys' } }],
    ['another body', { ...post, sent: { body: NEW.replace('Sïgned', 'Forged') } }],
    ['another content type', { ...post, sent: { headers: { 'Content-Type': 'application/problem+json' } } }],
    ['another date', { ...get, sent: { headers: { Date: new Date(Date.now() + 5_000).toUTCString() } } }],
    ['another nonce', { ...get, sent: { headers: { Nonce: 'another' } } }],
    [
      'another MD5',
      { ...get, sent: { headers: { 'Content-MD5': createHash('md5').update('x').digest('base64') } } },
    ],
    ['no date', { ...get, sent: { headers: { Date: null } } }],
    ['no nonce', { ...get, sent: { headers: { Nonce: null } } }],
    ['no MD5', { ...get, sent: { headers: { 'Content-MD5': null } } }],
    ['no access key beside', { ...get, sent: { headers: { 'X-Mitter-Application-Access-Key': null } } }],
    ['a date no calendar has', { ...get, date: 'yesterday' }],
    ['a nonce without an end', { ...get, nonce: 'n'.repeat(129) }],
    ['another secret', { ...get, accessSecret: btoa('x'.repeat(32)) }],
    ['an unknown key', { ...get, accessKey: `ak_2_${'0'.repeat(32)}` }],
    ['a publishable key', { ...get, accessKey: keys.publishableKey }],
  ];

  it.each(forgeries)('%s than was signed', async (_, signing) => {
    expect(await signed(signing)).toMatchObject({ status: 401, code: 'invalid_signature' });
  });

  it('whoever repeats a request, of many at once all but one', async () => {
    const nonce = crypto.randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => signed({ ...get, nonce, date: new Date().toUTCString() })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await signed({ ...get, nonce })).status).toBe(401);
  });

  it('nobody whose nonce was tried by somebody else with a forged digest', async () => {
    const nonce = crypto.randomUUID();
    expect((await signed({ ...get, nonce, accessSecret: btoa('x'.repeat(32)) })).status).toBe(401);
    expect((await signed({ ...get, nonce })).status).toBe(200);
  });

  it('a deleted key with its genuine secret', async () => {
    const headers = { 'x-server-key': keys.secretKey };
    const { body } = await call('POST', '/v1/keys', { headers, body: { name: 'short', kind: 'secret' } });
    const mine = { ...get, accessKey: body.accessKey, accessSecret: body.accessSecret };
    expect((await signed(mine)).status).toBe(200);
    await call('DELETE', `/v1/keys/${body.id}`, { headers });
    expect((await signed(mine)).status).toBe(401);
  });

  it('signed requests from everything but /v1', async () => {
    const path = '/api/v4/authentication/token';
    const answer = await signed({ method: 'POST', path, body: JSON.stringify({ userId: 'not-here' }) });
    expect(answer.status).toBe(401);
  });

  it('a signature beside another credential that names somebody else', async () => {
    const user = await signIn('beside-a-signature');
    const other = { 'X-Issued-Mitter-User-Authorization': user.accessToken };
    expect(await signed({ ...get, sent: { headers: other } })).toMatchObject({
      status: 400,
      code: 'conflicting_credentials',
    });
  });
});
