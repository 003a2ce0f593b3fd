/** S38, what a record may say: names that are told apart, prose with its line breaks, numbers and times as they were sent. */
import { describe, expect, it } from 'vitest';
import { me, register } from '../support/accounts.ts';
import { call, elsewhere, keys, signIn } from '../support/client.ts';

const headers = { 'x-server-key': keys.secretKey };
const asServer = (method: string, path: string, body?: unknown) =>
  call(method, path, body === undefined ? { headers } : { headers, body });
const enter = (userId: string) =>
  call('POST', '/api/v5/sessions', { key: keys.publishableKey, body: { userId, deviceId: 'd' } });

describe('works', () => {
  it('keeps the line breaks of prose', async () => {
    const user = await register('writesProse');
    const about = 'First line\n\n\tsecond line\r\nthird';
    const put = await call('PUT', '/users/me', { token: user.accessToken, body: { about } });
    expect(put.status).toBe(200);
    expect((await me(user)).body.about).toBe(about);
    const patched = await asServer('PATCH', `/v1/users/${user.userId}`, { description: 'One\nTwo' });
    expect(patched.body.description).toBe('One\nTwo');
    const banned = await asServer('PUT', `/v1/users/${user.userId}/ban`, { reason: 'Spam:\n- one\n- two' });
    expect(banned.status).toBe(200);
  });

  it('keeps numbers of metadata as they were sent', async () => {
    await signIn('exact-numbers');
    const metadata = {
      most: Number.MAX_SAFE_INTEGER,
      least: -Number.MAX_SAFE_INTEGER,
      half: 0.5,
      deep: [{ n: 1 }],
    };
    const { body } = await asServer('PATCH', '/v1/users/exact-numbers', { metadata });
    expect(body.metadata).toEqual(metadata);
  });

  it.each(['T09:30Z', 'T11:30:00+02:00', 'T09:30:00.25Z', 'T04:30-0500'])(
    'takes the end of a ban at %s',
    async time => {
      const { userId } = await signIn(`till-${crypto.randomUUID()}`);
      const answer = await asServer('PUT', `/v1/users/${userId}/ban`, { until: `2099-01-31${time}` });
      expect(answer.status).toBe(200);
      const { body } = await asServer('GET', `/v1/users/${userId}/ban`);
      expect(body.until).toMatch(/^2099-01-31T09:30:00/);
    },
  );
});

describe('refuses', () => {
  it.each(['9007199254740993', '-9007199254740993', '123456789012345678901234567890', '1e400'])(
    'the number %s in metadata, which would be another one',
    async number => {
      await signIn('inexact');
      const answer = await call('PATCH', '/v1/users/inexact', {
        headers: { ...headers, 'content-type': 'application/json' },
        body: `{"metadata":{"deep":[{"n":${number}}]}}`,
      });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
    },
  );

  it.each(['2099-02-30T00:00Z', '2099-01-31', 'tomorrow', '2099-01-31T09:30'])(
    'the end of a ban at %s',
    async until => {
      await signIn('banned-never');
      expect((await asServer('PUT', '/v1/users/banned-never/ban', { until })).status).toBe(400);
    },
  );

  it.each([' ', 'name ', '\u2800', '\u3000', 'x\ue000', `x${'\u0335'.repeat(99)}`])(
    'the name %j',
    async name => {
      await signIn('named-oddly');
      expect((await asServer('PATCH', '/v1/users/named-oddly', { displayName: name })).status).toBe(400);
      expect((await asServer('PUT', '/v1/users/named-oddly/screenname', { screenName: name })).status).toBe(
        400,
      );
      const body = { name, username: 'oddName1', password: 'correct horse battery' };
      expect((await call('POST', '/users', { headers: elsewhere(), body })).status).toBe(400);
    },
  );
});

describe('keeps out', () => {
  it.each([' ', 'alice ', 'a\u00a0lice', '\u2800', 'a\u2800b', 'alice\ufffe', `a${'\u0335'.repeat(9)}`])(
    'a userId that looks like another one or like nothing: %j',
    async userId => {
      expect((await enter(userId)).status).toBe(422);
    },
  );
});
