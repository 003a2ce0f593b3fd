import { describe, expect, it } from 'vitest';
import { call, joinAs, keys, openRoom, signIn } from '../support/client.ts';
import { listen } from '../support/socket.ts';

const devices = (token: string | undefined) => call('GET', '/users/me/devices', { token });
const end = (token: string | undefined, id: string) => call('DELETE', `/users/me/devices/${id}`, { token });
const endOthers = (token: string | undefined) => call('DELETE', '/users/me/devices', { token });

describe('works', () => {
  it('S17 lists where the caller is signed in', async () => {
    const { body } = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      headers: { 'cf-connecting-ip': '203.0.113.7' },
      body: { userId: 'lister', deviceId: 'phone', deviceInfo: { kind: 'ios', model: 'iPhone' } },
    });
    const laptop = await signIn('lister', 'laptop');
    const listed = await devices(laptop.accessToken);
    expect(listed.status).toBe(200);
    const iso = expect.stringMatching(/^\d{4}-.*Z$/);
    const phone = {
      id: expect.any(String),
      deviceId: 'phone',
      deviceInfo: { kind: 'ios', model: 'iPhone' },
      ipAddress: '203.0.113.7',
      createdAt: iso,
      lastUsedAt: iso,
      expiresAt: iso,
      signIns: 1,
      current: false,
    };
    expect(listed.body).toEqual([
      phone,
      { ...phone, id: laptop.sid, deviceId: 'laptop', deviceInfo: {}, ipAddress: null, current: true },
    ]);
    expect(JSON.stringify(listed.body)).not.toContain(body.accessToken);
  });

  it('S17 ends one, with its memberships and sockets, and leaves the others', async () => {
    const [laptop, phone] = [await signIn('ender'), await signIn('ender')];
    const room = await openRoom(await signIn('ender-host'));
    const token = await joinAs(phone, room);
    const socket = await listen(token);
    expect(await end(laptop.accessToken, phone.sid)).toMatchObject({ status: 200, body: '' });
    expect((await devices(phone.accessToken)).status).toBe(401);
    expect((await call('GET', '/session/current', { token })).status).toBe(401);
    expect(await socket.hasClosed()).toMatchObject({ code: 4401 });
    expect((await devices(laptop.accessToken)).body).toHaveLength(1);
  });

  it('ends all others', async () => {
    const [one, two, three] = [await signIn('alone'), await signIn('alone'), await signIn('alone')];
    expect((await endOthers(two.accessToken)).status).toBe(200);
    expect((await devices(one.accessToken)).status).toBe(401);
    expect((await devices(three.accessToken)).status).toBe(401);
    expect((await devices(two.accessToken)).body).toMatchObject([{ id: two.sid, current: true }]);
  });
});

describe('refuses', () => {
  it('a device that is not there, or is no more, with 404', async () => {
    const [laptop, phone] = [await signIn('missing'), await signIn('missing')];
    expect(await end(laptop.accessToken, 'nothing')).toMatchObject({
      status: 404,
      body: { code: 'device_not_found', error: true, reason: expect.any(String) },
    });
    await end(laptop.accessToken, phone.sid);
    expect((await end(laptop.accessToken, phone.sid)).status).toBe(404);
  });
});

describe('keeps out', () => {
  it("strangers, who see another's devices as not there (S32)", async () => {
    const [owner, stranger] = [await signIn('owned'), await signIn('curious')];
    expect((await end(stranger.accessToken, owner.sid)).status).toBe(404);
    expect((await devices(owner.accessToken)).status).toBe(200);
  });

  it('nobody, other tokens, the signed out and a secret key', async () => {
    const user = await signIn('kept-out');
    const room = await openRoom(user);
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    for (const token of [undefined, 'x', user.refreshToken, room.token, user.accessToken]) {
      expect((await devices(token)).status).toBe(401);
      expect((await end(token, user.sid)).status).toBe(401);
      expect((await endOthers(token)).status).toBe(401);
    }
    expect(
      (await call('GET', '/users/me/devices', { headers: { 'x-server-key': keys.secretKey } })).status,
    ).toBe(403);
  });
});
