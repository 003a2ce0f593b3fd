import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, claimsOf, keys, openRoom, signIn, trips } from '../support/client.ts';

afterEach(() => {
  vi.useRealTimers();
});

const start = (body: unknown, headers: Record<string, string> = {}) =>
  call('POST', '/api/sessions', { body, headers });
const current = (token: string | undefined, method = 'GET') =>
  call(method, '/api/sessions/current', { token });

describe('works', () => {
  it('gives a token for an identifier, without any storage', async () => {
    const answer = await start(
      { identifier: 'device_unique_id_here' },
      { authorization: 'Bearer YOUR_ACCESS_TOKEN' },
    );
    const now = Math.floor(Date.now() / 1000);
    expect(answer.status).toBe(200);
    expect(trips(answer)).toEqual([0, 0]);
    const { token, activatedAt, expiresAt } = answer.body.data;
    expect(Object.keys(answer.body)).toEqual(['data']);
    expect(expiresAt - activatedAt).toBe(600);
    expect(Math.abs(activatedAt - now)).toBeLessThanOrEqual(1);
    const { session } = claimsOf(token);
    expect(claimsOf(token)).toMatchObject({ identifier: 'device_unique_id_here', sub: `guest:${session}` });
    expect(await current(token)).toMatchObject({
      status: 200,
      body: { data: { session, identifier: 'device_unique_id_here', activatedAt, expiresAt } },
    });
  });

  it('ends by itself, and by its own word, and then for ever', async () => {
    const { token } = (await start({ identifier: 'a' })).body.data;
    expect((await current(token, 'DELETE')).status).toBe(200);
    expect((await current(token)).status).toBe(401);
    expect((await current(token, 'DELETE')).status).toBe(401);
    const other = (await start({ identifier: 'a' })).body.data.token;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
    expect((await current(other)).status).toBe(401);
  });

  it('gives two callers of one identifier two unrelated guests', async () => {
    const [one, two] = await Promise.all([start({ identifier: 'same' }), start({ identifier: 'same' })]);
    const tokens = [one.body.data.token, two.body.data.token];
    expect(claimsOf(tokens[0]).session).not.toBe(claimsOf(tokens[1]).session);
    await current(tokens[0], 'DELETE');
    expect((await current(tokens[1])).status).toBe(200);
  });
});

describe('refuses', () => {
  it.each([
    undefined,
    {},
    { identifier: '' },
    { identifier: null },
    { identifier: 7 },
    { identifier: 'x'.repeat(256) },
    { identifier: 'a\u0000b' },
  ])('%j with 400, error and validationError', async body => {
    expect(await start(body)).toMatchObject({
      status: 400,
      body: { error: expect.any(String), validationError: expect.stringContaining('identifier') },
    });
  });

  it('malformed JSON the same way', async () => {
    expect(await start('{')).toMatchObject({
      status: 400,
      body: { error: expect.any(String), validationError: expect.any(String) },
    });
  });
});

describe('keeps out', () => {
  it('a second credential beside the token', async () => {
    const { token } = (await start({ identifier: 'two' })).body.data;
    const headers = { 'x-server-key': keys.secretKey };
    expect((await call('GET', '/api/sessions/current', { token, headers })).status).toBe(400);
    expect((await call('POST', '/api/sessions?access_token=x', { body: { identifier: 'x' } })).status).toBe(
      400,
    );
  });

  it('other kinds of token from its own calls, and its own from everything else', async () => {
    const user = await signIn('identified');
    const room = await openRoom(user);
    for (const token of [undefined, 'x', user.accessToken, user.refreshToken, room.token]) {
      expect((await current(token)).status).toBe(401);
      expect((await current(token, 'DELETE')).status).toBe(401);
    }
    const { token } = (await start({ identifier: 'guest' })).body.data;
    for (const [method, path] of [
      ['GET', '/api/v5/sessions'],
      ['DELETE', '/api/v5/sessions'],
      ['GET', '/session/current'],
      ['GET', '/users/me/devices'],
      ['GET', '/v1/roles'],
    ] as const) {
      expect((await call(method, path, { token })).status).toBe(401);
    }
    expect((await call('POST', '/session', { token, key: keys.publishableKey })).status).toBe(401);
  });
});

describe('a kick holds against device tokens that a kicked person makes', () => {
  const kick = (token: string, userId: string) =>
    call('POST', '/session/current/kick', { token, body: { userId } });
  const join = (token: string, sessionId: string) =>
    call('POST', '/session/join', { token, body: { sessionId } });
  const made = async (by?: string): Promise<string> =>
    (await start({ identifier: 'x' }, by === undefined ? {} : { authorization: `Bearer ${by}` })).body.data
      .token;

  it('with a device token, and with one made by that', async () => {
    const room = await openRoom(await signIn('maker-host'), { allowGuests: true });
    const first = await made();
    const { body } = await join(first, room.sessionId);
    const second = await made(first);
    const third = await made(second);
    expect((await kick(room.token, body.credentials.id)).status).toBe(200);
    for (const token of [first, second, third]) {
      expect((await join(token, room.sessionId)).body.code).toBe('member_kicked');
    }
    expect((await join(await made(), room.sessionId)).status).toBe(200);
  });

  it('with their access token', async () => {
    const room = await openRoom(await signIn('maker-host-2'), { allowGuests: true });
    const user = await signIn('maker-kicked');
    await join(user.accessToken, room.sessionId);
    expect((await kick(room.token, 'maker-kicked')).status).toBe(200);
    expect((await join(await made(user.accessToken), room.sessionId)).body.code).toBe('member_kicked');
    const other = await signIn('maker-other');
    expect((await join(await made(other.accessToken), room.sessionId)).status).toBe(200);
  });
});
