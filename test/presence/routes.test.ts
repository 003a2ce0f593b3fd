import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, keys, signIn, trips } from '../support/client.ts';

afterEach(() => {
  vi.useRealTimers();
});

const asSystem = { 'x-server-key': keys.secretKey };
const chain = {
  type: 'mitter.up.Online',
  timeToLive: 10,
  expiresTo: {
    type: 'mitter.up.Away',
    timeToLive: 10,
    expiresTo: { type: 'Inactive', timeToLive: 10, expiresTo: { type: 'mitter.up.Offline', timeToLive: 0 } },
  },
};
const set = (id: string, body: unknown, by: object) =>
  call('POST', `/v1/users/${id}/presence`, { ...by, body });
const read = (ids: string, by: object) => call('GET', `/v1/users/${ids}/presence`, by);

describe('works', () => {
  it('goes from online to offline by itself', async () => {
    const { accessToken: token } = await signIn('present-user');
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now });
    expect((await set('me', chain, { token })).status).toBe(200);
    const at = async (seconds: number) => {
      vi.setSystemTime(now + seconds * 1000);
      const { body } = await read('me', { token });
      expect(body).toMatchObject({ userId: { identifier: 'present-user' }, presence: { setTimeMs: now } });
      return body.presence.presence;
    };
    expect(await at(0)).toEqual(chain);
    expect(await at(3)).toEqual({ ...chain, timeToLive: 7 });
    expect(await at(10)).toEqual(chain.expiresTo);
    expect(await at(20)).toEqual(chain.expiresTo.expiresTo);
    expect(await at(30)).toEqual({ type: 'mitter.up.Offline', timeToLive: 0 });
    vi.setSystemTime(now + 30_000_000_000);
    const { body } = await read('present-user', { headers: asSystem });
    expect(body.presence.presence).toEqual({ type: 'mitter.up.Offline', timeToLive: 0 });
  });

  it('has no presence once a chain has run out, and where none was ever set', async () => {
    const { accessToken: token } = await signIn('absent-user');
    expect((await read('absent-user', { token })).body).toEqual({
      userId: { identifier: 'absent-user' },
      presence: { setTimeMs: 0 },
    });
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now });
    await set('me', { type: 'Busy', timeToLive: 1 }, { token });
    vi.setSystemTime(now + 1000);
    expect((await read('me', { token })).body.presence).toEqual({ setTimeMs: now });
  });

  it('shows several in the order they were asked for, to whoever is signed in', async () => {
    const users = await Promise.all(['presence-a', 'presence-b', 'presence-c'].map(name => signIn(name)));
    for (const user of users) await set(user.userId, { type: `of ${user.userId}` }, { headers: asSystem });
    const token = users[0]?.accessToken;
    const { body } = await read('presence-c,me,presence-b', { token });
    expect(
      body.map((each: { presence: { presence: { type: string } } }) => each.presence.presence.type),
    ).toEqual(['of presence-c', 'of presence-a', 'of presence-b']);
    expect((await read('presence-b', { headers: asSystem })).body.presence.presence.type).toBe(
      'of presence-b',
    );
  });

  it('costs a heartbeat two object calls and no D1, and many readings one round', async () => {
    const { accessToken: token } = await signIn('heartbeats');
    expect(trips(await set('me', chain, { token }))).toEqual([0, 2]);
    expect(trips(await set('heartbeats', chain, { token }))).toEqual([0, 2]);
    expect(trips(await set('heartbeats', chain, { headers: asSystem }))).toEqual([1, 1]);
    expect(trips(await read('me', { token }))).toEqual([0, 2]);
    await read('presence-a,presence-b', { token });
    expect(trips(await read('presence-a,presence-b,me', { token }))).toEqual([0, 4]);
  });

  it('reads a hundred', async () => {
    const { accessToken: token } = await signIn('reads-hundred');
    const ids = Array(100).fill('presence-a').join(',');
    const answer = await read(ids, { token });
    expect(answer.body).toHaveLength(100);
    // Each user is asked once, however often a list names them: the caller's session, and one presence.
    expect(trips(answer)[1]).toBe(2);
    expect(trips(await read('me,reads-hundred,me,presence-a', { token }))[1]).toBe(3);
    expect((await read(`${ids},presence-b`, { token })).status).toBe(400);
  });
});

describe('refuses', () => {
  const deep = (levels: number): unknown =>
    levels === 1 ? { type: 'end' } : { type: 'x', timeToLive: 1, expiresTo: deep(levels - 1) };

  it.each([
    ['no type', { timeToLive: 1 }],
    ['an empty type', { type: '' }],
    ['a type too long', { type: 'x'.repeat(101) }],
    ['a time that runs backwards', { type: 'x', timeToLive: -1 }],
    ['a time that is a text', { type: 'x', timeToLive: '10' }],
    ['a chain of seventeen', deep(17)],
    ['a broken successor', { type: 'x', timeToLive: 1, expiresTo: { timeToLive: 1 } }],
  ])('%s', async (_, body) => {
    const { accessToken: token } = await signIn('malformed-presence');
    expect((await set('me', body, { token })).status).toBe(400);
    expect((await set('me', deep(16), { token })).status).toBe(200);
  });

  it('unknown users, and me of a secret key', async () => {
    expect((await set('nobody-there', chain, { headers: asSystem })).status).toBe(404);
    const unknown = await read('presence-a,nobody-there', { headers: asSystem });
    expect(unknown).toMatchObject({
      status: 404,
      body: { errorCode: 'user_not_found', detail: 'nobody-there' },
    });
    expect((await set('me', chain, { headers: asSystem })).body.errorCode).toBe('missing_context');
    expect((await set('.system', chain, { headers: asSystem })).body.errorCode).toBe('missing_privilege');
    expect((await read('.system', { headers: asSystem })).status).toBe(404);
  });
});

describe('keeps out', () => {
  it('strangers from setting it, nobody from either, and whoever has signed out', async () => {
    const [user, other] = [await signIn('presence-owner'), await signIn('presence-stranger')];
    expect(await set('presence-owner', chain, { token: other.accessToken })).toMatchObject({
      status: 403,
      body: { errorCode: 'missing_privilege' },
    });
    expect((await read('presence-owner', { token: other.accessToken })).body.presence).toEqual({
      setTimeMs: 0,
    });
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    for (const token of [undefined, user.accessToken]) {
      expect((await set('me', chain, { token })).status).toBe(401);
      expect((await read('presence-owner', { token })).status).toBe(401);
    }
  });

  it('what was set from whoever is erased', async () => {
    const user = await signIn('presence-erased');
    await set('me', chain, { token: user.accessToken });
    await call('DELETE', '/users/me', { token: user.accessToken });
    expect((await set('presence-erased', chain, { headers: asSystem })).status).toBe(404);
    expect((await read('presence-erased', { headers: asSystem })).status).toBe(404);
  });
});
