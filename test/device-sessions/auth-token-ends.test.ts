/** S54: an authToken dies with every end of all of its user's device sessions, and with nothing less. */
import { describe, expect, it, vi } from 'vitest';
import { issueAuthToken } from '../../src/device-sessions/auth-token-service.ts';
import { DeviceSessions } from '../../src/device-sessions/object/device-sessions.ts';
import { login, PASSWORD, register } from '../support/accounts.ts';
import { call, claimsOf, elsewhere, keys, signIn } from '../support/client.ts';
import { depsWith, onDeviceSessions } from '../support/deps.ts';
import { deviceStub, keyRing, tablesOf } from '../support/objects.ts';

const headers = { 'x-server-key': keys.secretKey };

const issue = async (userId: string): Promise<string> => {
  const answer = await call('POST', '/api/v4/authentication/token', { headers, body: { userId } });
  if (answer.status !== 200) throw new Error(`authToken: ${answer.status}`);
  return answer.body;
};
const signInWith = (userId: string, authToken: string, more: Record<string, unknown> = {}) =>
  call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: crypto.randomUUID(), authToken, ...more },
  });
const signedInWith = async (userId: string): Promise<string> =>
  (await signInWith(userId, await issue(userId))).body.accessToken;

const accountKey = 'a key that nobody guesses';

/** Every way to end all device sessions of a user, and what it takes. */
const ends: Record<string, (userId: string) => Promise<unknown>> = {
  'a sign-out of all by the user': async userId =>
    call('DELETE', `/api/v5/sessions?userId=${encodeURIComponent(userId)}`, {
      token: await signedInWith(userId),
    }),
  'a sign-out of all by a secret key': userId =>
    call('DELETE', `/api/v5/sessions/users/${encodeURIComponent(userId)}`, { headers }),
  'a sign-out of all by a secret key that names them in the query': userId =>
    call('DELETE', `/api/v3/sessions?userId=${encodeURIComponent(userId)}`, { headers }),
  'a sign-out of all others': async userId =>
    call('DELETE', '/users/me/devices', { token: await signedInWith(userId) }),
  'a ban that was lifted': async userId => {
    const path = `/v1/users/${encodeURIComponent(userId)}/ban`;
    await call('PUT', path, { headers, body: {} });
    return call('DELETE', path, { headers });
  },
};

describe('works', () => {
  it('after an end, with a token issued since', async () => {
    for (const [name, end] of Object.entries(ends)) {
      const userId = `since ${name}`;
      await issue(userId);
      await end(userId);
      expect((await signInWith(userId, await issue(userId))).status, name).toBe(200);
    }
  });

  it('after the end of single device sessions', async () => {
    const token = await issue('single-ends');
    const [first, second] = [await signedInWith('single-ends'), await signedInWith('single-ends')];
    const devices = await call('GET', '/users/me/devices', { token: second });
    await call('DELETE', `/users/me/devices/${devices.body[0].id}`, { token: second });
    expect((await call('GET', '/api/v5/sessions', { token: first })).status).toBe(401);
    await call('DELETE', '/api/v5/sessions', { token: second });
    expect((await signInWith('single-ends', token)).status).toBe(200);
  });

  it('asks nothing of the object of a user who was made with the token', async () => {
    const deps = depsWith(
      onDeviceSessions(() => ({ epoch: () => Promise.reject(new Error('asked for nothing')) })),
    );
    const { uid, epoch } = claimsOf(await issueAuthToken(deps, 'made-with-token'));
    expect(epoch).toBe(0);
    expect(await tablesOf(deviceStub(uid as number))).toEqual([]);
  });
});

describe('refuses', () => {
  it.each(Object.entries(ends))('a token of before %s', async (name, end) => {
    const userId = `before ${name}`;
    const [used, unused] = [await issue(userId), await issue(userId)];
    expect((await signInWith(userId, used)).status).toBe(200);
    const answer = (await end(userId)) as { status: number };
    expect(answer.status).toBe(200);
    expect(await signInWith(userId, unused)).toMatchObject({ status: 401, body: { code: 400100 } });
  });

  it('a token of before the closing of an entry that was open', async () => {
    const user = await signIn('closing-later');
    const exp = Math.floor(Date.now() / 1000) + 600;
    const claims = { sub: 'closing-later', uid: user.uid, sid: 'x', exp, epoch: 0 };
    const early = await keyRing.sign('auth', claims, Date.now());
    expect((await signInWith('closing-later', await issue('closing-later'))).status).toBe(200);
    expect((await signInWith('closing-later', early)).status).toBe(401);
  });

  it('a token of before a password was changed or reset', async () => {
    const user = await register('epochChange');
    const { userId } = user;
    const changed = await issue(userId);
    const body = { oldPassword: PASSWORD, newPassword: 'something new and long' };
    const from = { token: user.accessToken, headers: elsewhere() };
    expect((await call('PUT', '/users/me/changePassword', { ...from, body })).status).toBe(200);
    expect((await signInWith(userId, changed)).status).toBe(401);

    const reset = await issue(userId);
    const { newPassword: password } = body;
    await call('PUT', '/users/me/setAccountKey', { ...from, body: { password, accountKey } });
    const resetting = { userId: user.uid, accountKey, newPassword: 'yet another long one' };
    const answer = await call('PUT', '/users/resetPassword', { headers: elsewhere(), body: resetting });
    expect(answer.status).toBe(200);
    expect((await signInWith(userId, reset)).status).toBe(401);
    expect((await login('epochChange', 'yet another long one')).status).toBe(200);
  });

  it('a token of before a user signed out everywhere by their account', async () => {
    const user = await register('epochLogout');
    const token = await issue(user.userId);
    const out = await call('POST', '/users/me/logout?all=true', { token: user.accessToken });
    expect(out.status).toBe(200);
    expect((await signInWith(user.userId, token)).status).toBe(401);
  });
});

describe('keeps out', () => {
  it('a token of before an erasure', async () => {
    const token = await issue('epoch-erased');
    await signInWith('epoch-erased', await issue('epoch-erased'));
    expect((await call('DELETE', '/v1/users/epoch-erased', { headers })).status).toBe(200);
    expect((await signInWith('epoch-erased', token)).status).toBe(401);
  });

  it('a token of before a password change whose news has not reached the object yet', async () => {
    const user = await register('epochLate');
    const token = await issue(user.userId);
    const late = vi.spyOn(DeviceSessions.prototype, 'takeCopy');
    late.mockRejectedValue(new Error('away'));
    const changed = await call('PUT', '/users/me/changePassword', {
      token: user.accessToken,
      headers: elsewhere(),
      body: { oldPassword: PASSWORD, newPassword: 'something new and long' },
    });
    expect(changed.status).toBe(503);
    late.mockRestore();
    expect((await signInWith(user.userId, token)).status).toBe(401);
  });

  it('a name that came with a dead token', async () => {
    await signInWith('epoch-named', await issue('epoch-named'), { displayName: 'Mine' });
    const token = await issue('epoch-named');
    await call('DELETE', '/api/v5/sessions/users/epoch-named', { headers });
    expect((await signInWith('epoch-named', token, { displayName: 'Not mine' })).status).toBe(401);
    const { body } = await signInWith('epoch-named', await issue('epoch-named'));
    expect(body.users[0].displayName).toBe('Mine');
  });

  it('a token of another user whose epoch is higher', async () => {
    const other = await issue('epoch-other');
    await issue('epoch-mine');
    for (let turn = 0; turn < 3; turn += 1)
      await call('DELETE', '/api/v5/sessions/users/epoch-mine', { headers });
    expect((await signInWith('epoch-mine', other)).status).toBe(401);
  });
});
