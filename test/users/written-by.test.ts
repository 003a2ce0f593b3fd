/** S59: what was written on the word of a bare `userId` may be anybody's: it goes when its user closes, and nothing else does. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { claimLocator } from '../../src/locators/service.ts';
import { setPresence } from '../../src/presence/service.ts';
import { setAttributes } from '../../src/profiles/service.ts';
import { repairCopies } from '../../src/users/copy-service.ts';
import { updateUser } from '../../src/users/service.ts';
import { call, keys, type SignedIn, signIn } from '../support/client.ts';
import { depsWith } from '../support/deps.ts';

const headers = { 'x-server-key': keys.secretKey };
const asServer = (method: string, path: string, body?: unknown) =>
  call(method, path, body === undefined ? { headers } : { headers, body });
const mine = ({ accessToken: token }: SignedIn, method: string, path: string, body: unknown) =>
  call(method, path, { token, body });
const bareSignIn = (userId: string) =>
  call('POST', '/api/v5/sessions', { key: keys.publishableKey, body: { userId, deviceId: 'd' } });
const presence = (type: string) => ({ type, timeToLive: 0 });

beforeAll(async () => {
  for (const key of ['motto', 'rank'])
    await asServer('POST', '/v1/attribute-def/users', {
      key,
      allowedContentTypes: ['text/plain'],
      allowedContentEncodings: ['identity'],
    });
});

/** Everything about a user that others are shown. */
async function shown(userId: string) {
  const { body } = await asServer('GET', `/v1/users/${userId}?withProfileAttributes=*`);
  const { body: seen } = await asServer('GET', `/v1/users/${userId}/presence`);
  const record = await env.DB.prepare(
    'SELECT displayName, profileHandle, description FROM users WHERE userId = ?',
  )
    .bind(userId)
    .first();
  return {
    ...record,
    attributes: body.entityProfile.attributes.map(({ key, value }: { key: string; value: string }) => [
      key,
      value,
    ]),
    locators: body.userLocators.map(({ locator }: { locator: string }) => locator),
    presence: seen.presence.presence?.type ?? null,
  };
}

/** A user of whom somebody said all kinds of things by the `userId` alone, and an application's server some. */
async function hijacked(userId: string): Promise<SignedIn> {
  const body = { userId, deviceId: crypto.randomUUID(), displayName: 'Thief', profileHandle: 'thief' };
  await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body });
  const user = await signIn(userId);
  await mine(user, 'PUT', '/users/me', { about: 'I am a thief' });
  await mine(user, 'POST', '/v1/users/me/profile/motto', { value: 'Steal' });
  await mine(user, 'POST', '/v1/users/me/locators', { locator: `email:${userId}@thief.example` });
  await mine(user, 'POST', '/v1/users/me/presence', presence('Stealing'));
  await asServer('POST', `/v1/users/${userId}/profile/rank`, { value: 'Captain' });
  return user;
}

const CLOSINGS: [string, (userId: string) => Promise<unknown>][] = [
  ['an authToken', userId => asServer('POST', '/api/v4/authentication/token', { userId })],
  ['a token of the directory', userId => asServer('POST', `/v1/users/${userId}/tokens`, {})],
  [
    'a verified locator',
    userId =>
      asServer('POST', `/v1/users/${userId}/locators`, {
        locator: `email:${userId}@owner.example`,
        verificationStatus: 'Verified',
      }),
  ],
  [
    'a role',
    async userId => {
      await asServer('PUT', '/v1/roles/sailor', { permissions: [] });
      return asServer('PUT', `/v1/users/${userId}/roles`, { roles: ['sailor'] });
    },
  ],
];

describe('works', () => {
  it('shows what was said, while the user is open', async () => {
    await hijacked('still-open');
    expect(await shown('still-open')).toEqual({
      displayName: 'Thief',
      profileHandle: 'thief',
      description: 'I am a thief',
      attributes: [
        ['motto', 'Steal'],
        ['rank', 'Captain'],
      ],
      locators: ['email:still-open@thief.example'],
      presence: 'Stealing',
    });
  });

  it('keeps what a secret key wrote, over what a bare userId had', async () => {
    await hijacked('renamed-since');
    await asServer('PATCH', '/v1/users/renamed-since', { displayName: 'Owner' });
    await asServer('POST', '/v1/users/renamed-since/presence', presence('Online'));
    await asServer('POST', '/v1/users/renamed-since/profile/motto', { value: 'Own' });
    await asServer('POST', '/api/v4/authentication/token', { userId: 'renamed-since' });
    expect(await shown('renamed-since')).toMatchObject({
      displayName: 'Owner',
      profileHandle: null,
      presence: 'Online',
      attributes: [
        ['motto', 'Own'],
        ['rank', 'Captain'],
      ],
    });
  });

  it('keeps what is written after the closing', async () => {
    await asServer('POST', '/api/v4/authentication/token', { userId: 'closed-first' });
    const { body } = await asServer('POST', '/v1/users/closed-first/tokens', {});
    const token = body.userToken.signedToken;
    await call('PUT', '/users/me', { token, body: { name: 'Owner', about: 'Mine' } });
    await call('POST', '/v1/users/me/locators', { token, body: { locator: 'email:own@owner.example' } });
    await asServer('POST', '/v1/users/closed-first/tokens', {});
    await asServer('POST', '/v1/users/closed-first/locators', {
      locator: 'email:first@owner.example',
      verificationStatus: 'Verified',
    });
    expect(await shown('closed-first')).toMatchObject({
      displayName: 'Owner',
      description: 'Mine',
      locators: ['email:own@owner.example', 'email:first@owner.example'],
    });
  });

  it('drops a presence with the repair of the copy, where its object did not answer', async () => {
    const user = await hijacked('repaired-later');
    const away = depsWith(({ presence: reach }) => ({
      presence: uid =>
        new Proxy(reach(uid), {
          get: (target, name) =>
            name === 'dropBare' ? () => Promise.reject(new Error('away')) : Reflect.get(target, name),
        }),
    }));
    const { closeUser, requireUser } = await import('../../src/users/service.ts');
    const closing = closeUser(away, await requireUser(away, 'repaired-later'));
    await expect(closing).rejects.toMatchObject({ code: 'copy_pending' });
    expect((await mine(user, 'GET', '/users/me', undefined)).status).toBe(401);
    await repairCopies(depsWith());
    expect(await shown('repaired-later')).toMatchObject({ presence: null });
  });
});

describe('keeps out', () => {
  it.each(CLOSINGS)('what a bare userId wrote, once the user closes by %s', async (by, close) => {
    const userId = `closed-by-${by.replaceAll(' ', '-')}`;
    const user = await hijacked(userId);
    await close(userId);
    const after = await shown(userId);
    expect(after).toMatchObject({
      displayName: null,
      profileHandle: null,
      description: null,
      presence: null,
    });
    expect(after.attributes).toEqual([['rank', 'Captain']]);
    expect(JSON.stringify(after)).not.toContain('thief');
    expect((await mine(user, 'GET', '/users/me', undefined)).status).toBe(401);
    expect((await bareSignIn(userId)).status).toBe(401);
  });

  it('what a bare userId wrote and is on its way when the user closes', async () => {
    const { uid, userId } = await hijacked('closed-meanwhile');
    await asServer('POST', '/api/v4/authentication/token', { userId });
    const deps = depsWith();
    const ended = { code: 'session_ended' };
    await expect(updateUser(deps, uid, { displayName: 'Late' }, 'bare')).rejects.toMatchObject(ended);
    const value = { key: 'motto', contentType: 'text/plain', contentEncoding: 'identity', value: 'Late' };
    await expect(setAttributes(deps, userId, [value], () => '', 'bare')).rejects.toMatchObject(ended);
    const locator = { type: 'email', value: 'late@thief.example' } as const;
    await expect(claimLocator(deps, uid, locator, 'bare')).rejects.toMatchObject(ended);
    await expect(setPresence(deps, uid, presence('Late'), 'bare')).rejects.toMatchObject(ended);
    expect(JSON.stringify(await shown(userId))).not.toMatch(/late/i);
  });
});

describe('refuses', () => {
  it('a bare sign-in that is found by a verified locator, but not one of another status', async () => {
    await signIn('found-by-mail');
    const add = (verificationStatus: string) =>
      asServer('POST', '/v1/users/found-by-mail/locators', {
        locator: 'email:found@owner.example',
        verificationStatus,
      });
    expect((await add('VerificationPending')).status).toBe(200);
    expect((await bareSignIn('found-by-mail')).status).toBe(200);
    expect((await add('Verified')).body).toMatchObject({ verificationStatus: 'Verified' });
    expect((await bareSignIn('found-by-mail')).status).toBe(401);
  });
});
