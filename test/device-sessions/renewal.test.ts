/** S63: SDKs renew by signing in again on the device they know: its device session goes on, with one sign-in more. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DeviceSessions } from '../../src/device-sessions/object/device-sessions.ts';
import { loginAs, PASSWORD } from '../support/accounts.ts';
import {
  call,
  claimsOf,
  elsewhere,
  joinAs,
  keys,
  openRoom,
  type SignedIn,
  signIn,
} from '../support/client.ts';
import { listen } from '../support/socket.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const headers = { 'x-server-key': keys.secretKey };
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;
const refresh = (refreshToken: string) =>
  call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } });
const devices = (token: string) => call('GET', '/users/me/devices', { token });
const introspect = async (token: string) => {
  const body = `token=${token}`;
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  return (await call('POST', '/oauth2/introspect', { headers: form, body })).body.active;
};

async function vouched(userId: string, deviceId: string): Promise<SignedIn> {
  const issued = await call('POST', '/api/v4/authentication/token', { headers, body: { userId } });
  const { status, body } = await call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId, authToken: issued.body },
  });
  if (status !== 200) throw new Error(`sign-in: ${status}`);
  const { accessToken, refreshToken, users } = body;
  const sid = claimsOf(accessToken).sid as string;
  return { uid: Number(users[0]._id), userId, accessToken, refreshToken, sid };
}

const setPassword = (token: string, username: string) =>
  call('PUT', '/users/me/credentials', {
    token,
    headers: elsewhere(),
    body: { username, password: PASSWORD },
  });

describe('works', () => {
  it('for twenty renewals with requests under way: none is refused', async () => {
    let user = await signIn('renewing', 'tab');
    const first = user;
    const tokens = [user.accessToken];
    for (let turn = 0; turn < 20; turn += 1) {
      const under = tokens.map(token => verify(token));
      user = await signIn('renewing', 'tab');
      tokens.push(user.accessToken);
      expect(new Set(await Promise.all(under))).toEqual(new Set([200]));
    }
    expect(user.sid).toBe(first.sid);
    expect((await devices(user.accessToken)).body).toMatchObject([{ signIns: 10, current: true }]);
  });

  it('for two tabs that refresh side by side', async () => {
    const [one, two] = [await signIn('two-tabs', 'tab'), await signIn('two-tabs', 'tab')];
    let [first, second] = [one.refreshToken, two.refreshToken];
    for (let turn = 0; turn < 3; turn += 1) {
      first = (await refresh(first)).body.refreshToken;
      second = (await refresh(second)).body.refreshToken;
    }
    expect([(await refresh(first)).status, (await refresh(second)).status]).toEqual([200, 200]);
  });

  it('keeps the host in their room: nobody hears that they left', async () => {
    const host = await signIn('renewing-host', 'tab');
    const room = await openRoom(host);
    const guest = await signIn('renewing-guest');
    const socket = await listen(await joinAs(guest, room));
    await socket.heard('SessionState');
    for (let turn = 0; turn < 3; turn += 1) await signIn('renewing-host', 'tab');
    expect((await call('GET', '/session/current', { token: room.token })).body.userCount).toBe(2);
    await call('POST', '/session/current/kick', { token: room.token, body: { userId: 'renewing-guest' } });
    await socket.heard('Kicked');
    expect(socket.types()).not.toContain('UserRemoved');
    expect(socket.types()).not.toContain('HostChanged');
  });

  it('takes what the device says of itself now, and keeps what it does not say', async () => {
    const body = { userId: 'renewing-device', deviceId: 'd' };
    const say = (more: object) =>
      call('POST', '/api/v5/sessions', { key: keys.publishableKey, body: { ...body, ...more } });
    await say({ deviceInfo: { kind: 'ios', model: 'old' } });
    const second = await say({ deviceInfo: { kind: 'ios', model: 'new' } });
    expect((await devices(second.body.accessToken)).body[0].deviceInfo.model).toBe('new');
    const third = await say({});
    expect((await devices(third.body.accessToken)).body[0]).toMatchObject({
      deviceInfo: { model: 'new' },
      signIns: 3,
    });
  });

  it('counts the absolute end from the latest sign-in', async () => {
    const start = Date.now();
    const user = await signIn('renewing-long', 'tab');
    const end = new Date((await devices(user.accessToken)).body[0].expiresAt).getTime();
    vi.useFakeTimers({ toFake: ['Date'], now: start + 86_400_000 });
    const again = await signIn('renewing-long', 'tab');
    const later = new Date((await devices(again.accessToken)).body[0].expiresAt).getTime();
    expect(again.sid).toBe(user.sid);
    expect(later - end).toBeGreaterThanOrEqual(86_400_000 - 10_000);
  });
});

describe('refuses', () => {
  it('what needs a fresh sign-in, to a token from before the renewal', async () => {
    const start = Date.now();
    const early = await vouched('renewing-fresh', 'tab');
    vi.useFakeTimers({ toFake: ['Date'], now: start + 301_000 });
    const renewed = await vouched('renewing-fresh', 'tab');
    expect(renewed.sid).toBe(early.sid);
    const { body } = await refresh(early.refreshToken);
    for (const token of [early.accessToken, body.accessToken]) {
      expect(await setPassword(token, 'renewingFresh')).toMatchObject({
        status: 403,
        body: { code: 'fresh_proof_required' },
      });
      expect((await call('DELETE', '/users/me', { token })).status).toBe(403);
    }
    expect((await setPassword(renewed.accessToken, 'renewingFresh')).status).toBe(200);
  });

  it('a refresh of a sign-in that later ones pushed out, and ends nothing', async () => {
    const first = await signIn('pushed-out', 'tab');
    let last = first;
    for (let turn = 0; turn < 10; turn += 1) last = await signIn('pushed-out', 'tab');
    expect((await refresh(first.refreshToken)).status).toBe(401);
    expect(await verify(first.accessToken)).toBe(200);
    expect([await introspect(first.refreshToken), await introspect(last.refreshToken)]).toEqual([
      false,
      true,
    ]);
    expect((await refresh(last.refreshToken)).status).toBe(200);
  });

  it('a stolen refresh token of one sign-in, and ends the device session with all of them', async () => {
    const [one, two] = [await signIn('renewed-theft', 'tab'), await signIn('renewed-theft', 'tab')];
    const room = await openRoom(await signIn('renewed-theft-host'));
    const member = await joinAs(two, room);
    const socket = await listen(member);
    const child = await refresh(one.refreshToken);
    await refresh(child.body.refreshToken);
    expect((await refresh(one.refreshToken)).status).toBe(401);
    expect([await verify(two.accessToken), (await refresh(two.refreshToken)).status]).toEqual([401, 401]);
    expect((await call('GET', '/session/current', { token: member })).status).toBe(401);
    expect((await socket.hasClosed()).code).toBe(4401);
  });

  it('every token of a device session that one of its tabs signs out', async () => {
    const [one, two] = [await signIn('renewed-out', 'tab'), await signIn('renewed-out', 'tab')];
    expect((await call('DELETE', '/api/v5/sessions', { token: one.accessToken })).status).toBe(200);
    for (const user of [one, two]) {
      expect([await verify(user.accessToken), (await refresh(user.refreshToken)).status]).toEqual([401, 401]);
    }
    expect((await signIn('renewed-out', 'tab')).sid).not.toBe(one.sid);
  });

  it('the other sign-ins of the device that ends all others', async () => {
    const [one, two] = [await signIn('renewed-others', 'tab'), await signIn('renewed-others', 'tab')];
    const phone = await signIn('renewed-others', 'phone');
    // Tokens tell the second of their sign-in: what signs in within the same one is not told apart.
    expect((await call('DELETE', '/users/me/devices', { token: two.accessToken })).status).toBe(200);
    expect([await verify(one.accessToken), await verify(phone.accessToken)]).toEqual([401, 401]);
    expect((await refresh(one.refreshToken)).status).toBe(401);
    expect(await introspect(one.accessToken)).toBe(false);
    expect([await verify(two.accessToken), (await refresh(two.refreshToken)).status]).toEqual([200, 200]);
  });
});

describe('keeps out', () => {
  it('S15 what a bare userId opened, once the user is closed: a proof on that device opens another', async () => {
    const bare = await signIn('renewed-closed', 'tab');
    const proven = await vouched('renewed-closed', 'tab');
    expect(proven.sid).not.toBe(bare.sid);
    expect(await verify(bare.accessToken)).toBe(401);
    expect((await vouched('renewed-closed', 'tab')).sid).toBe(proven.sid);
  });

  it('S15 a session that rests on earlier credentials, although the news of the new ones is late', async () => {
    const early = await vouched('renewed-late', 'tab');
    expect(
      (await setPassword((await vouched('renewed-late', 'other')).accessToken, 'renewedLate')).status,
    ).toBe(200);
    const issued = await call('POST', '/api/v4/authentication/token', {
      headers,
      body: { userId: 'renewed-late' },
    });
    const late = vi.spyOn(DeviceSessions.prototype, 'takeCopy').mockRejectedValue(new Error('away'));
    const login = (await loginAs('renewedLate')).accessToken;
    const changed = await call('PUT', '/users/me/changePassword', {
      token: login,
      headers: elsewhere(),
      body: { oldPassword: PASSWORD, newPassword: 'something new and long' },
    });
    expect(changed.status).toBe(503);
    late.mockRestore();
    // Any sign-in brings the news. The authToken of before dies of it, and so does the session.
    const body = { userId: 'renewed-late', deviceId: 'tab', authToken: issued.body };
    const old = await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body });
    expect(old.status).toBe(401);
    const renewed = await vouched('renewed-late', 'tab');
    expect(renewed.sid).not.toBe(early.sid);
    expect([await verify(early.accessToken), (await refresh(early.refreshToken)).status]).toEqual([401, 401]);
  });

  it('another user from the session that a device of the same id has', async () => {
    const byName = await signIn('renewed-name', 'tab');
    const other = await signIn('renewed-name-2', 'tab');
    expect(other.sid).not.toBe(byName.sid);
    expect(other.uid).not.toBe(byName.uid);
    expect(await verify(byName.accessToken)).toBe(200);
  });
});
