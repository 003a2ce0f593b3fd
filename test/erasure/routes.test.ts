/** S50: whoever is erased is gone from everywhere, also where a crash came in between, and their name with them. */
import {
  createExecutionContext,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eraseUser } from '../../src/erasure/service.ts';
import { runMaintenance } from '../../src/maintenance.ts';
import type { DeviceSessionsObject } from '../../src/platform/objects.ts';
import { basic, login, me, PASSWORD, png, register } from '../support/accounts.ts';
import { call, elsewhere, joinAs, keys, openRoom, signIn } from '../support/client.ts';
import { depsWith, onDeviceSessions } from '../support/deps.ts';
import { deviceStub, liveStub, tablesOf } from '../support/objects.ts';
import { listen } from '../support/socket.ts';
import { newWallet, nonceFor, prove } from '../support/wallets.ts';

const DAY_MS = 24 * 60 * 60_000;
const asSystem = { 'x-server-key': keys.secretKey };

afterEach(() => {
  vi.useRealTimers();
});

const erase = (username: string) =>
  call('DELETE', '/users/me', { headers: { ...elsewhere(), ...basic(username, PASSWORD) } });

async function runCron(): Promise<void> {
  const ctx = createExecutionContext();
  await runMaintenance(env, ctx);
  await waitOnExecutionContext(ctx);
}

/** Everything D1 holds, as one text. */
async function wholeDatabase(): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'userSearch%'",
  ).all<{ name: string }>();
  const rows = await Promise.all(
    results.map(({ name }) => env.DB.prepare(`SELECT '${name}' AS "of", * FROM "${name}"`).all()),
  );
  return JSON.stringify(rows.map(({ results: own }) => own));
}

/** Everything an object holds, as one text. */
async function wholeObject(stub: DurableObjectStub): Promise<string> {
  const tables = await tablesOf(stub);
  return runInDurableObject(stub as never, (_, { storage }: DurableObjectState) =>
    JSON.stringify(tables.map(name => [name, storage.sql.exec(`SELECT * FROM "${name}"`).toArray()])),
  );
}

async function upload(token: string): Promise<{ id: string; name: string }> {
  const headers = { 'content-type': 'png', 'content-length': String(png.length) };
  const { status, body } = await call('POST', '/uploads', { token, headers, body: png });
  if (status !== 200) throw new Error(`upload: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function eraseable(username: string) {
  const user = await register(username, {
    name: `CANARY ${username}`,
    deviceInfo: { name: 'CANARY device' },
  });
  const { accessToken: token } = user;
  await call('PUT', '/users/me', { token, body: { about: 'CANARY about' } });
  const [photo, loose] = [await upload(token), await upload(token)];
  const added = await call('POST', '/users/me/photos', {
    token,
    body: { photo: { id: photo.id, fileType: 'png', fileSize: png.length } },
  });
  expect(added.status).toBe(200);
  await call('PUT', `/v1/users/${user.userId}/roles`, { headers: asSystem, body: { roles: [] } });
  const presence = env.USER_PRESENCE.getByName(String(user.uid));
  await (presence as never as { set(p: unknown): Promise<unknown> }).set({
    type: 'CANARY presence',
    timeToLive: 0,
  });
  return { user, photo, loose, presence };
}

describe('works', () => {
  it('erases a user from D1, every object and R2, and all that knew their name (S50)', async () => {
    const { user, photo, loose, presence } = await eraseable('canary001');
    const host = await signIn('canary-host');
    const [visited, left] = [await openRoom(host, { maxFiles: 5 }), await openRoom(host)];
    const seat = await joinAs(user, visited, { identity: { name: 'CANARY nick' } });
    const gone = await joinAs(user, left);
    await call('POST', '/session/disconnect', { token: gone });
    const own = await openRoom(user);
    // Somebody stays in the room they made, and one whom they kicked stays barred.
    await joinAs(await signIn('canary-friend'), own);
    await joinAs(await signIn('canary-kicked'), own);
    const kick = { token: own.token, body: { userId: 'canary-kicked', reason: 'spoilers' } };
    expect((await call('POST', '/session/current/kick', kick)).status).toBe(200);
    await call('POST', '/session/current/files', {
      token: seat,
      headers: { 'file-name': 'theirs.txt', 'content-length': '1' },
      body: 'x',
    });
    const socket = await listen(seat);
    await socket.heard('SessionState');
    await login('canary001', 'wrong password');

    const answer = await erase('canary001');
    expect([answer.status, answer.body]).toEqual([200, '']);

    expect((await socket.hasClosed()).code).toBe(4401);
    expect((await me(user)).status).toBe(401);
    expect((await call('GET', `/users/${user.uid}`)).status).toBe(404);
    expect((await call('GET', '/users?s=CANARY')).body).toEqual([]);
    for (const { name } of [photo, loose]) expect((await call('GET', `/uploads/${name}`)).status).toBe(404);
    expect((await env.FILES.list({ prefix: 'uploads/' })).objects).toEqual([]);
    const database = await wholeDatabase();
    for (const trace of ['CANARY', 'canary001', user.userId]) expect(database).not.toContain(trace);
    for (const room of [visited, left, own]) {
      const kept = await wholeObject(liveStub(room.sessionId));
      for (const trace of ['CANARY', 'canary001', user.userId]) expect(kept).not.toContain(trace);
    }
    const kept = await wholeObject(deviceStub(user.uid));
    for (const trace of ['CANARY', 'canary001', user.userId, user.sid]) expect(kept).not.toContain(trace);
    expect(await tablesOf(presence)).toEqual([]);
    expect(await tablesOf(env.THROTTLE.getByName('username:canary001'))).toEqual([]);

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    await runDurableObjectAlarm(deviceStub(user.uid));
    expect(await tablesOf(deviceStub(user.uid))).toEqual([]);
    expect((await call('GET', '/session/current', { token: visited.token })).status).toBe(200);
  });

  it('erases whoever has no password and signed in just now, and nobody later', async () => {
    const [early, late] = [await signIn('erases-early'), await signIn('erases-late')];
    expect((await call('DELETE', '/users/me', { token: early.accessToken })).status).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 60_000 + 1_000 });
    expect(await call('DELETE', '/users/me', { token: late.accessToken })).toMatchObject({
      status: 403,
      body: { code: 'fresh_proof_required' },
    });
  });

  it('frees the username after 30 days for somebody else, who is somebody else', async () => {
    const first = await register('passedOn1');
    expect((await erase('passedOn1')).status).toBe(200);
    const body = { name: 'x', username: 'PASSEDon1', password: PASSWORD };
    const tooEarly = async () => expect(await call('POST', '/users', { headers: elsewhere(), body }));
    (await tooEarly()).toMatchObject({ status: 409, body: { code: 'username_taken' } });
    const erasedAt = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: erasedAt + 30 * DAY_MS - 60_000 });
    await runCron();
    (await tooEarly()).toMatchObject({ status: 409, body: { code: 'username_taken' } });
    vi.setSystemTime(erasedAt + 30 * DAY_MS + 1);
    await runCron();
    const second = await register('passedOn1');
    expect(second.uid).toBeGreaterThan(first.uid);
    expect((await me(second)).body.name).toBe('Name of passedOn1');
  });

  it.each([
    ['the device sessions', { erase: () => Promise.reject(new Error('crash')) }],
    ['what others keep', { forget: () => Promise.reject(new Error('crash')) }],
    ['the answer of the live sessions', { erase: async () => ({ everywhere: false, ban: null }) }],
  ] satisfies [string, Partial<DeviceSessionsObject>][])(
    'goes on where it broke at %s',
    async (step, broken) => {
      const username = `breaks${step.length}a`;
      const { user } = await eraseable(username);
      await expect(eraseUser(depsWith(onDeviceSessions(() => broken)), user.uid)).rejects.toThrow();
      expect((await login(username, PASSWORD)).status).toBe(401);
      expect((await call('GET', `/users/${user.uid}`)).status).toBe(404);
      expect((await call('GET', `/users?s=${username}`)).body).toEqual([]);
      await runCron();
      const database = await wholeDatabase();
      for (const trace of ['CANARY', username, user.userId]) expect(database).not.toContain(trace);
      expect((await env.FILES.list({ prefix: 'uploads/' })).objects).toEqual([]);
      expect((await me(user)).status).toBe(401);
    },
  );
});

describe('keeps out', () => {
  it('an erased userId for ever, on whatever surface it is asked for', async () => {
    const user = await signIn('never-again');
    await call('DELETE', '/users/me', { token: user.accessToken });
    const body = { userId: 'never-again', deviceId: 'd' };
    expect((await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body })).status).toBe(403);
    const asked = await call('POST', '/api/v4/authentication/token', {
      headers: asSystem,
      body: { userId: 'never-again' },
    });
    expect(asked.status).toBe(403);
    expect(
      await env.DB.prepare("SELECT count(*) AS n FROM users WHERE userId = 'never-again'").first('n'),
    ).toBe(0);
  });

  it('a name and a wallet that a ban outlived, until it is lifted', async () => {
    const user = await register('bannedForGood');
    const wallet = newWallet();
    await call('PUT', `/v1/users/${user.userId}/ban`, { headers: asSystem, body: {} });
    await env.DB.prepare("INSERT INTO locators VALUES ('banned-wallet', ?, 'wallet', ?, 0, 1, 'Verified', 0)")
      .bind(user.uid, wallet.address.toLowerCase())
      .run();
    await eraseUser(depsWith(), user.uid);
    const again = { name: 'x', username: 'BANNEDforgood', password: PASSWORD };
    const registerAgain = () => call('POST', '/users', { headers: elsewhere(), body: again });
    const proveAgain = async () => prove(wallet, (await nonceFor(wallet)).message);
    expect(await registerAgain()).toMatchObject({ status: 409, body: { code: 'username_taken' } });
    expect(await proveAgain()).toMatchObject({ status: 401, body: { code: 'sign_in_refused' } });
    expect(await wholeDatabase()).not.toContain(wallet.address.toLowerCase());
    const lifted = await call('DELETE', `/v1/users/${user.userId}/ban`, { headers: asSystem });
    expect(lifted.status).toBe(200);
    expect((await registerAgain()).status).toBe(200);
    expect((await proveAgain()).status).toBe(200);
  });

  it('a sign-in that read the user before they were erased (S16)', async () => {
    const user = await signIn('erased-meanwhile');
    await call('DELETE', '/users/me', { token: user.accessToken });
    const standing = await (deviceStub(user.uid) as never as { open(i: unknown): Promise<unknown> }).open({
      record: { uid: user.uid, userId: user.userId, version: 99, credentialVersion: 99, entry: 'open' },
      deviceId: 'd',
      deviceInfo: {},
      ipAddress: null,
      openedBy: 'A',
      proof: 'userId',
      absoluteMs: 1_000,
      accessMs: 1_000,
      idleMs: null,
      kid: 'any',
    });
    expect(standing).toEqual({ ok: false, code: 'stale_record' });
  });
});
