/** S61, bans: read back by a secret key, told to the banned user, and true about what they reached. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { banUser, liftBan } from '../../src/bans/service.ts';
import { eraseUser } from '../../src/erasure/service.ts';
import { register } from '../support/accounts.ts';
import { call, keys, signIn } from '../support/client.ts';
import { depsWith, onDeviceSessions } from '../support/deps.ts';
import { deviceObject } from '../support/objects.ts';

const headers = { 'x-server-key': keys.secretKey };
const asServer = (method: string, path: string, body?: unknown) =>
  call(method, path, body === undefined ? { headers } : { headers, body });
const signInAgain = (userId: string) =>
  call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: crypto.randomUUID() },
  });
const verify = (token: string) => call('GET', '/api/v5/sessions', { token });
const system = { kind: 'system', keyId: 'a-key' } as const;
const away = () => Promise.reject(new Error('away'));
const flagOf = (uid: number) =>
  env.DB.prepare('SELECT bannedAt FROM users WHERE id = ?').bind(uid).first<number>('bannedAt');

describe('works', () => {
  it('reads a ban back: its reason, its end, since when, and by which key', async () => {
    await signIn('read-back');
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await asServer('PUT', '/v1/users/read-back/ban', { reason: 'Spam', until });
    const { status, body } = await asServer('GET', '/v1/users/read-back/ban');
    expect([status, body]).toEqual([
      200,
      { reason: 'Spam', until, since: expect.any(String), by: expect.any(String) },
    ]);
    expect(Math.abs(Date.parse(body.since) - Date.now())).toBeLessThan(60_000);
    const { body: known } = await asServer('GET', '/v1/keys');
    expect(known.map(({ id }: { id: string }) => id)).toContain(body.by);
  });

  it('reads one that outlived its user', async () => {
    const user = await register('outlived1');
    await asServer('PUT', `/v1/users/${user.userId}/ban`, { reason: 'Spam' });
    await eraseUser(depsWith(), user.uid);
    const { status, body } = await asServer('GET', `/v1/users/${user.userId}/ban`);
    expect([status, body]).toEqual([200, { reason: null, until: null, since: null, by: null }]);
  });

  it('tells the reason to the banned user who signs in', async () => {
    await signIn('told-why');
    await asServer('PUT', '/v1/users/told-why/ban', { reason: 'Spam in every room' });
    const answer = await signInAgain('told-why');
    expect(answer).toMatchObject({
      status: 403,
      body: { data: { detail: ['banned', 'Spam in every room'] } },
    });
  });

  it('lets in a user whose ban was lifted, although D1 does not show it yet', async () => {
    const { uid } = await signIn('flag-stays');
    await asServer('PUT', '/v1/users/flag-stays/ban', {});
    await deviceObject(uid).liftBan();
    expect(await flagOf(uid)).not.toBe(null);
    expect((await signInAgain('flag-stays')).status).toBe(200);
  });
});

describe('refuses', () => {
  it('to read a ban there is none of', async () => {
    await signIn('unbanned');
    const none = { status: 404, body: { code: 'ban_not_found' } };
    expect(await asServer('GET', '/v1/users/unbanned/ban')).toMatchObject(none);
    await asServer('PUT', '/v1/users/unbanned/ban', {});
    await asServer('DELETE', '/v1/users/unbanned/ban');
    expect(await asServer('GET', '/v1/users/unbanned/ban')).toMatchObject(none);
    const nobody = { status: 404, body: { code: 'user_not_found' } };
    expect(await asServer('GET', '/v1/users/nobody-at-all/ban')).toMatchObject(nobody);
  });

  it('to promise a ban that did not reach the object, which has ended nothing', async () => {
    const user = await signIn('not-reached');
    const broken = depsWith(onDeviceSessions(() => ({ ban: away })));
    const banning = banUser(broken, system, 'not-reached', { reason: null, until: null });
    await expect(banning).rejects.toMatchObject({
      code: 'try_again',
      details: { headers: { 'Retry-After': expect.any(String) } },
    });
    expect(await flagOf(user.uid)).toBe(null);
    expect((await verify(user.accessToken)).status).toBe(200);
    expect((await signInAgain('not-reached')).status).toBe(200);
  });

  it('to promise the lifting of a ban that did not reach the object', async () => {
    await signIn('not-lifted');
    await asServer('PUT', '/v1/users/not-lifted/ban', {});
    const broken = depsWith(onDeviceSessions(() => ({ liftBan: away })));
    await expect(liftBan(broken, 'not-lifted')).rejects.toMatchObject({ code: 'try_again' });
    expect((await signInAgain('not-lifted')).status).toBe(403);
  });

  it('to call a ban whole that stands and could not be shown', async () => {
    const user = await signIn('not-shown');
    const broken = depsWith(onDeviceSessions(() => ({ currentBan: away })));
    const banning = banUser(broken, system, 'not-shown', { reason: null, until: null });
    await expect(banning).rejects.toMatchObject({ code: 'copy_pending' });
    expect((await verify(user.accessToken)).status).toBe(401);
    expect((await signInAgain('not-shown')).status).toBe(403);
  });
});

describe('keeps out', () => {
  it('everybody without a secret key from reading a ban', async () => {
    const user = await signIn('curious-1');
    await asServer('PUT', '/v1/users/curious-1/ban', { reason: 'Secret' });
    const other = await signIn('curious-2');
    expect((await call('GET', '/v1/users/curious-1/ban')).status).toBe(401);
    expect((await call('GET', '/v1/users/curious-1/ban', { token: other.accessToken })).status).toBe(403);
    expect((await call('GET', '/v1/users/me/ban', { token: user.accessToken })).status).not.toBe(200);
  });
});
