/** S57: device sessions that an earlier release stored go on: every call finds them, and ends reach where they must. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { call, join, joinAs, keys, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import {
  type EarlierSession,
  type EarlierState,
  earlierDeviceSessions,
  eras,
  pretendNewer,
  putState,
  rowsOf,
} from '../support/object-fixtures.ts';
import { deviceStub, keyRing, recordOf, tablesOf } from '../support/objects.ts';

const headers = { 'x-server-key': keys.secretKey };
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;
const current = async (token: string) => (await call('GET', '/session/current', { token })).status;
const refresh = (refreshToken: string) =>
  call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } });

/** Tokens as earlier releases signed them: they name no sign-in. */
async function earlierTokens(user: SignedIn, { id, accessJti, refreshJti }: EarlierSession) {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { sub: user.userId, uid: user.uid, sid: id, exp };
  return {
    accessToken: await keyRing.sign('access', { ...claims, jti: accessJti }, Date.now()),
    refreshToken: await keyRing.sign('refresh', { ...claims, jti: refreshJti }, Date.now()),
  };
}

const earlierSession = (id: string, more: Partial<EarlierSession> = {}): EarlierSession => ({
  id,
  deviceId: `device of ${id}`,
  openedBy: 'A',
  proof: 'userId',
  accessJti: `access of ${id}`,
  refreshJti: `refresh of ${id}`,
  kid: keyRing.signerKid,
  ...more,
});

let made = 0;

describe.each(eras)('of %s', era => {
  /** A user inside a room, whose object an earlier release made. */
  async function earlierUser(change: (user: SignedIn, room: Room) => Partial<EarlierState> = () => ({})) {
    made += 1;
    const host = await signIn(`schema-host-${made}`);
    const room = await openRoom(host);
    const user = await signIn(`schema-user-${made}`, 'laptop');
    const member = await joinAs(user, room);
    const session = earlierSession(user.sid, { deviceId: 'laptop' });
    await putState(
      deviceStub(user.uid),
      earlierDeviceSessions(era, {
        record: recordOf(user),
        sessions: [session],
        notes: [{ liveId: room.sessionId, sid: user.sid }],
        ...change(user, room),
      }),
    );
    return { user: { ...user, ...(await earlierTokens(user, session)) }, room, member };
  }

  it('a token is good, is refreshed again and again, and its device is listed', async () => {
    const { user, member } = await earlierUser();
    expect(await verify(user.accessToken)).toBe(200);
    const first = await refresh(user.refreshToken);
    expect(first.status).toBe(200);
    const second = await refresh(first.body.refreshToken);
    expect(second.status).toBe(200);
    expect(await verify(second.body.accessToken)).toBe(200);
    const devices = await call('GET', '/users/me/devices', { token: second.body.accessToken });
    expect(devices.body).toMatchObject([{ id: user.sid, deviceId: 'laptop', current: true }]);
    expect(await current(member)).toBe(200);
  });

  it('a refresh token that comes a second time is a theft, and ends the room as well', async () => {
    const { user, member } = await earlierUser();
    const first = await refresh(user.refreshToken);
    await refresh(first.body.refreshToken);
    expect((await refresh(user.refreshToken)).body.data.detail).toContain('refresh_reused');
    expect(await verify(first.body.accessToken)).toBe(401);
    expect(await current(member)).toBe(401);
  });

  it('a sign-in on another device stands beside it', async () => {
    const { user } = await earlierUser();
    const other = await signIn(user.userId, 'phone');
    expect(await verify(user.accessToken)).toBe(200);
    const devices = await call('GET', '/users/me/devices', { token: other.accessToken });
    expect(devices.body).toHaveLength(2);
  });

  it('a join and a kick go as ever', async () => {
    const { user, room, member } = await earlierUser();
    const other = await openRoom(await signIn(`schema-other-${made}`));
    expect((await join(user, other.sessionId)).status).toBe(200);
    const kicked = await call('POST', '/session/current/kick', {
      token: room.token,
      body: { userId: user.userId },
    });
    expect(kicked.status).toBe(200);
    expect(await current(member)).toBe(401);
    expect((await join(user, room.sessionId)).status).toBe(403);
  });

  it('a logout reaches the room that was joined before', async () => {
    const { user, member } = await earlierUser();
    expect((await call('DELETE', '/api/v5/sessions', { token: user.accessToken })).status).toBe(200);
    expect(await verify(user.accessToken)).toBe(401);
    expect(await current(member)).toBe(401);
  });

  it('a ban ends it, and holds until it is lifted', async () => {
    const { user, member } = await earlierUser();
    expect((await call('PUT', `/v1/users/${user.userId}/ban`, { headers, body: {} })).status).toBe(200);
    expect(await verify(user.accessToken)).toBe(401);
    expect(await current(member)).toBe(401);
    await expect(signIn(user.userId)).rejects.toThrow('403');
    expect((await call('DELETE', `/v1/users/${user.userId}/ban`, { headers })).status).toBe(200);
    expect(await verify((await signIn(user.userId)).accessToken)).toBe(200);
  });

  it('an erasure reaches the room that was joined before, and leaves nothing', async () => {
    const { user, member } = await earlierUser();
    expect((await call('DELETE', `/v1/users/${user.userId}`, { headers })).status).toBe(200);
    expect(await verify(user.accessToken)).toBe(401);
    expect(await current(member)).toBe(401);
    expect(await rowsOf(deviceStub(user.uid), 'sessions')).toEqual([]);
  });

  it('news that was not heard yet is told', async () => {
    const { user, member } = await earlierUser(({ sid }, { sessionId }) => ({
      sessions: [],
      notes: [],
      outbox: [{ liveId: sessionId, sid }],
    }));
    expect(await current(member)).toBe(200);
    await call('DELETE', `/api/v5/sessions/users/${user.userId}`, { headers });
    expect(await current(member)).toBe(401);
    expect(await rowsOf(deviceStub(user.uid), 'outbox')).toEqual([]);
  });

  it('of a token that was issued to be handed on, only the last text is good', async () => {
    const issued = earlierSession('issued', { openedBy: 'D', proof: 'token', issuedForMs: 60_000 });
    const { user } = await earlierUser(() => ({ sessions: [issued] }));
    const { accessToken } = await earlierTokens(user, issued);
    const replaced = await earlierTokens(user, { ...issued, accessJti: 'an earlier text' });
    expect(await verify(accessToken)).toBe(200);
    expect(await verify(replaced.accessToken)).toBe(401);
  });
});

it('tells the news of an erasure, which had no word of its own', async () => {
  const room = await openRoom(await signIn('schema-erased-host'));
  const user = await signIn('schema-erased');
  const member = await joinAs(user, room);
  const outbox = [{ liveId: room.sessionId, sid: '' }];
  const state = { record: recordOf(user), sessions: [], outbox };
  await putState(deviceStub(user.uid), earlierDeviceSessions('before_steps', state));
  expect(await rowsOf(deviceStub(user.uid), 'outbox')).toMatchObject([
    { targetKind: 'live_session', targetId: room.sessionId, message: '{"kind":"erased"}' },
  ]);
  await call('DELETE', '/api/v5/sessions/users/schema-erased', { headers });
  expect(await current(member)).toBe(401);
});

it('goes on with an object that a later release has changed', async () => {
  const room = await openRoom(await signIn('schema-later-host'));
  const user = await signIn('schema-later');
  await pretendNewer(deviceStub(user.uid));
  expect(await verify(user.accessToken)).toBe(200);
  expect((await refresh(user.refreshToken)).status).toBe(200);
  const member = await joinAs(user, room);
  expect(await verify((await signIn('schema-later')).accessToken)).toBe(200);
  expect((await call('PUT', '/v1/users/schema-later/ban', { headers, body: {} })).status).toBe(200);
  expect(await current(member)).toBe(401);
  expect(await rowsOf(deviceStub(user.uid), 'schemaVersion')).toMatchObject([{ version: 99 }]);
  expect(await tablesOf(deviceStub(user.uid))).toContain('ofLater');
});

it('makes nothing of a user who is only asked about', async () => {
  const stub = deviceStub(987_654);
  expect((await stub.standing({ sid: 'x', jti: 'x' })).ok).toBe(false);
  expect(await stub.listAll()).toEqual([]);
  await stub.liftBan();
  await stub.forget();
  await runDurableObjectAlarm(stub);
  expect(await tablesOf(stub)).toEqual([]);
});
