import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { localKeys } from '../../src/dev/local-keys.ts';
import { parseMasterSecrets } from '../../src/dev/secrets.ts';
import { call, keys, signIn, trips } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { until } from '../support/until.ts';

afterEach(() => {
  vi.useRealTimers();
});

const headers = { 'x-server-key': keys.secretKey };
const make = (kind: string, name = 'A key') => call('POST', '/v1/keys', { headers, body: { name, kind } });
const use = (key: string) =>
  call('POST', '/api/v5/sessions', { key, body: { userId: 'key-user', deviceId: 'd' } });
const roles = (given: Record<string, string>) => call('GET', '/v1/roles', { headers: given });

describe('works', () => {
  it('makes a publishable key that signs people in', async () => {
    const { status, body } = await make('publishable', 'iOS app');
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      name: 'iOS app',
      kind: 'publishable',
      start: expect.stringMatching(/^pk_/),
      createdAt: expect.any(String),
      lastUsedAt: null,
      key: expect.stringMatching(/^pk_/),
    });
    expect((await use(body.key)).status).toBe(200);
  });

  it('makes a secret key, good in each of its forms', async () => {
    const { body } = await make('secret');
    const { accessKey, accessSecret, secretKey } = body;
    expect(body).toMatchObject({ kind: 'secret', secretKey: expect.stringMatching(/^sk_/) });
    expect(accessKey).toContain('_');
    expect(atob(accessSecret)).toHaveLength(32);
    expect((await roles({ 'x-server-key': secretKey })).status).toBe(200);
    expect((await roles({ authorization: `Basic ${btoa(`${accessKey}:${accessSecret}`)}` })).status).toBe(
      200,
    );
    const encoded = `${encodeURIComponent(accessKey)}:${encodeURIComponent(accessSecret)}`;
    expect((await roles({ authorization: `Basic ${btoa(encoded)}` })).status).toBe(200);
  });

  it('lists keys without their secrets, and when each was last used', async () => {
    const { body: made } = await make('publishable', 'Listed');
    await use(made.key);
    await until(async () => {
      const { body } = await call('GET', '/v1/keys', { headers });
      return body.find(({ id }: { id: string }) => id === made.id).lastUsedAt;
    });
    const { body } = await call('GET', '/v1/keys', { headers });
    expect(JSON.stringify(body)).not.toContain(made.key.split('_').slice(3).join('_'));
    const { key: _, ...shown } = made;
    expect(body).toContainEqual({ ...shown, lastUsedAt: expect.any(String) });
  });

  it('S28 revokes: here at once, and in an isolate that cached it within 60 s (5 s for a secret key)', async () => {
    const publishable = (await make('publishable')).body;
    const secret = (await make('secret')).body;
    await use(publishable.key);
    await roles({ 'x-server-key': secret.secretKey });
    // Another isolate deletes the rows: this one knows nothing of it but by its cache running out.
    await env.DB.prepare('DELETE FROM keys WHERE id IN (?, ?)').bind(publishable.id, secret.id).run();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5_000 });
    expect((await roles({ 'x-server-key': secret.secretKey })).status).toBe(401);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 55_001 });
    expect((await use(publishable.key)).status).toBe(401);
    const own = (await make('publishable')).body;
    expect((await use(own.key)).status).toBe(200);
    expect((await call('DELETE', `/v1/keys/${own.id}`, { headers })).status).toBe(200);
    expect((await use(own.key)).status).toBe(401);
  });

  it('shows which keys no longer verify, because their master secret has left the ring', async () => {
    const { body: made } = await make('publishable', 'Of the newest secret');
    const [newest = '', older = ''] = env.MASTER_SECRETS.split(',');
    const ask = deployedWith({ MASTER_SECRETS: `${newest.replace(/^\d+/, '3')},${older}` });
    const local = await localKeys(parseMasterSecrets(older));
    const { body } = await ask('GET', '/v1/keys', { headers: { 'x-server-key': local.keys.secretKey } });
    const listed = (id: string) => body.find((key: { id: string }) => key.id === id);
    expect(listed(made.id)).toMatchObject({ verifies: false });
    expect((await call('GET', '/v1/keys', { headers })).body).not.toContainEqual(
      expect.objectContaining({ verifies: false }),
    );
  });
});

describe('refuses', () => {
  it.each([
    {},
    { name: 'x' },
    { kind: 'secret' },
    { name: '', kind: 'secret' },
    { name: 'x', kind: 'root' },
    { name: 'x\n', kind: 'secret' },
  ])('%j with 400', async body => {
    expect(await call('POST', '/v1/keys', { headers, body })).toMatchObject({
      status: 400,
      body: { errorCode: 'invalid_input' },
    });
  });

  it('to revoke a key that is not there', async () => {
    expect(await call('DELETE', '/v1/keys/nothing', { headers })).toMatchObject({
      status: 404,
      body: { code: 'key_not_found' },
    });
  });
});

describe('keeps out', () => {
  it('everybody without a secret key', async () => {
    const user = await signIn('key-thief');
    for (const [method, path] of [
      ['POST', '/v1/keys'],
      ['GET', '/v1/keys'],
      ['DELETE', '/v1/keys/x'],
    ] as const) {
      const body = method === 'POST' ? { name: 'x', kind: 'secret' } : undefined;
      expect((await call(method, path, { body })).status).toBe(401);
      expect((await call(method, path, { body, key: keys.publishableKey })).status).toBe(401);
      expect((await call(method, path, { body, token: user.accessToken })).status).toBe(403);
    }
  });

  it('S28 forged keys without a read', async () => {
    const forged = [
      keys.secretKey.replace(/_[\w-]{43}_/, `_${'A'.repeat(43)}_`),
      keys.publishableKey.replace('pk_', 'sk_'),
      keys.publishableKey,
      'sk_1_0_0',
    ];
    for (const key of forged) {
      const answer = await roles({ 'x-server-key': key });
      expect(answer.status).toBe(401);
      expect(trips(answer)).toEqual([0, 0]);
    }
    for (const pair of [
      '',
      ':',
      'x',
      'user:password',
      `${keys.accessKey}:`,
      `${keys.accessKey}:${keys.accessSecret}x`,
      `:${keys.accessSecret}`,
    ]) {
      expect((await roles({ authorization: `Basic ${btoa(pair)}` })).status).toBe(401);
    }
  });
});
