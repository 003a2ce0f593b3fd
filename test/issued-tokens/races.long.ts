/** Tokens that are extended, revoked and logged out at once, and whose ends do not reach everybody. */
import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PresentedSession } from '../../src/device-sessions/contract.ts';
import { BY_SYSTEM } from '../../src/events/types.ts';
import { type Answer, call, claimsOf, joinAs, keys, openRoom, type Room, signIn } from '../support/client.ts';
import { deviceObject, liveStub } from '../support/objects.ts';
import { headStart } from '../support/races.ts';
import { until } from '../support/until.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const headers = { 'x-server-key': keys.secretKey };
const HOUR_S = 3600;

interface Issued {
  uid: number;
  userId: string;
  sid: string;
  jti: string;
  accessToken: string;
  refreshToken: string;
  logoutPath: string;
}

function toIssued({ body, status }: Answer): Issued {
  if (status !== 200) throw new Error(`token: ${status} ${JSON.stringify(body)}`);
  const { signedToken, logoutUrl } = body.userToken;
  const { uid, sub, sid, jti } = claimsOf(signedToken) as Record<'sub' | 'sid' | 'jti', string> & {
    uid: number;
  };
  const { pathname, search } = new URL(logoutUrl);
  const logoutPath = pathname + search;
  return { uid, userId: sub, sid, jti, accessToken: signedToken, refreshToken: '', logoutPath };
}

const create = (userId: string) =>
  call('POST', '/v1/users', { headers, body: { userId, screenName: { screenName: userId } } });
const issue = async (userId: string, ttl = HOUR_S) =>
  toIssued(await call('POST', `/v1/users/${userId}/tokens`, { headers, body: { ttl } }));
const extend = (userId: string, { sid }: Issued, by: { token?: string; headers?: Record<string, string> }) =>
  call('PUT', `/v1/users/${userId}/tokens/${sid}`, { ...by, body: { ttl: HOUR_S } });
const revoke = ({ userId, sid }: Issued) => call('DELETE', `/v1/users/${userId}/tokens/${sid}`, { headers });
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;
const listed = async (userId: string) => (await call('GET', `/v1/users/${userId}/tokens`, { headers })).body;

/** Keeps a live session from answering anybody until released. */
function hold(room: Room): () => void {
  let release = () => {};
  const gate = new Promise<void>(resolve => {
    release = resolve;
  });
  const held = runInDurableObject(liveStub(room.sessionId), (_, state) => {
    void state.blockConcurrencyWhile(() => gate).catch(() => {});
  });
  void held.catch(() => {});
  return () => release();
}

/** The events written to the log from now on. */
function listenToLog(): () => Record<string, unknown>[] {
  const spy = vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => spy.mock.calls.map(([line]) => JSON.parse(String(line)));
}

describe('a token', () => {
  it('is not extended by another of the same user (S32), and its text still works', async () => {
    await create('two-tokens');
    const [mine, other] = [await issue('two-tokens'), await issue('two-tokens')];
    for (const name of ['me', 'two-tokens']) {
      expect(await extend(name, other, { token: mine.accessToken })).toMatchObject({
        status: 403,
        body: { errorCode: 'missing_privilege' },
      });
    }
    // Nor by a device session of another surface.
    const account = await signIn('also-bare');
    const bare = await issueBeside(account.userId);
    expect((await extend('me', bare.issued, { token: bare.token })).status).toBe(403);
    for (const { accessToken } of [mine, other, bare.issued]) expect(await verify(accessToken)).toBe(200);
  });

  it('has exactly one living text after six extensions of itself at once', async () => {
    await create('six-at-once');
    const issued = await issue('six-at-once');
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => extend('me', issued, { token: issued.accessToken })),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
    expect(await verify(toIssued(won[0] as Answer).accessToken)).toBe(200);
    expect(await verify(issued.accessToken)).toBe(401);
    expect(await listed('six-at-once')).toHaveLength(1);
  });

  it('has exactly one living text after six extensions by a secret key at once', async () => {
    await create('six-by-system');
    const issued = await issue('six-by-system');
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => extend('six-by-system', issued, { headers })),
    );
    const texts = answers.map(answer => toIssued(answer).accessToken);
    const statuses = await Promise.all([issued.accessToken, ...texts].map(verify));
    expect(statuses.sort()).toEqual([200, 401, 401, 401, 401, 401, 401]);
  });

  it('leaves nothing alive where it is extended and ended at once', async () => {
    await create('extend-races');
    let extendedFirst = 0;
    for (let round = 0; round < 20; round += 1) {
      const issued = await issue('extend-races');
      const byUser = round % 4 < 2;
      const extending = extend('extend-races', issued, byUser ? { token: issued.accessToken } : { headers });
      await headStart(round);
      const ends = [
        () => revoke(issued),
        () => call('GET', issued.logoutPath),
        () => call('DELETE', `/v1/users/me/tokens/${issued.sid}`, { token: issued.accessToken }),
      ];
      const [extended, ended] = await Promise.all([extending, ends[round % 2]?.() as Promise<Answer>]);
      expect(ended.status).toBe(200);
      expect(await verify(issued.accessToken)).toBe(401);
      expect([200, 401, 404]).toContain(extended.status);
      if (extended.status === 200) {
        extendedFirst += 1;
        expect(await verify(toIssued(extended).accessToken)).toBe(401);
      }
      expect(await listed('extend-races')).toEqual([]);
      expect((await extend('extend-races', issued, { headers })).status).toBe(404);
    }
    expect(extendedFirst).toBeGreaterThan(0);
  }, 60_000);
});

/** A user of an account, a token issued for them, and a device session of another surface. */
async function issueBeside(userId: string): Promise<{ issued: Issued; token: string }> {
  const issued = await issue(userId);
  const { body: authToken } = await call('POST', '/api/v4/authentication/token', {
    headers,
    body: { userId },
  });
  const signedIn = await call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: 'beside', authToken },
  });
  return { issued, token: signedIn.body.accessToken };
}

describe('the object itself', () => {
  const dead: [string, (token: Issued) => Promise<{ sid: string; jti: string }>][] = [
    [
      'has ended',
      async ({ userId }) => {
        const gone = await issue(userId);
        await revoke(gone);
        return gone;
      },
    ],
    [
      'has run out',
      async ({ userId }) => {
        const gone = await issue(userId, 60);
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
        return gone;
      },
    ],
    [
      'was replaced',
      async ({ userId }) => {
        const gone = await issue(userId);
        await extend(userId, gone, { headers });
        return gone;
      },
    ],
    ['never was', async () => ({ sid: crypto.randomUUID(), jti: crypto.randomUUID() })],
  ];

  it.each(dead)('S16 extends and ends nothing on the word of a token that %s', async (_, make) => {
    const userId = `dead-${crypto.randomUUID()}`;
    await create(userId);
    const target = await issue(userId);
    const { sid, jti } = await make(target);
    const object = deviceObject(target.uid);
    const ended = { ok: false, code: 'session_ended' };
    expect(await object.extend(target.sid, 60_000, 'any', { sid, jti })).toEqual(ended);
    expect(await object.extend(sid, 60_000, 'any', { sid, jti })).toEqual(ended);
    const end = (ids: string[], presented: PresentedSession) =>
      object.end({ kind: 'some', ids, presented }, 'revoked', BY_SYSTEM);
    expect(await end([target.sid], { sid, jti })).toEqual(ended);
    expect(await end([sid], { sid, jti })).toEqual(ended);
    expect(await verify(target.accessToken)).toBe(200);
  });

  it('takes the word of one that stands', async () => {
    await create('word-that-stands');
    const [target, own] = [await issue('word-that-stands'), await issue('word-that-stands')];
    const presented = { sid: own.sid, jti: own.jti };
    const object = deviceObject(own.uid);
    expect(await object.extend(target.sid, 60_000, 'any', presented)).toEqual({
      ok: false,
      code: 'missing_privilege',
    });
    const which = { kind: 'some', ids: [target.sid, 'unknown'], presented } as const;
    expect(await object.end(which, 'revoked', BY_SYSTEM)).toMatchObject({
      ok: true,
      value: { everywhere: true, missing: ['unknown'] },
    });
    expect(await verify(target.accessToken)).toBe(401);
    expect(await object.extend(target.sid, 60_000, 'any', presented)).toEqual({
      ok: false,
      code: 'token_not_found',
    });
  });

  it('shows nothing that has run out, before its alarm has come', async () => {
    await create('run-out-listed');
    const [short, long] = [await issue('run-out-listed', 60), await issue('run-out-listed')];
    const ids = async () =>
      (await listed('run-out-listed')).map(({ tokenId }: { tokenId: string }) => tokenId);
    expect(await ids()).toEqual([short.sid, long.sid]);
    const end = (claimsOf(short.accessToken).exp as number) * 1000;
    vi.useFakeTimers({ toFake: ['Date'], now: end + 1_000 });
    expect(await ids()).toEqual([long.sid]);
    expect((await revoke(short)).status).toBe(404);
    expect((await extend('run-out-listed', short, { headers })).status).toBe(404);
    expect((await call('GET', short.logoutPath)).status).toBe(401);
  });
});

describe('an end that a live session has not heard of', () => {
  it.each([
    ['revocation', 'revoked', 'token_revoked', (token: Issued) => revoke(token)],
    ['logout link', 'linked', 'signed_out', (token: Issued) => call('GET', token.logoutPath)],
    [
      'logout',
      'logged-out',
      'signed_out',
      (token: Issued) => call('GET', '/v1/users/me/logout', { token: token.accessToken }),
    ],
  ] as const)(
    'answers a %s with 503, stands all the same, and is in the log once',
    async (_, name, event, end) => {
      const userId = `unheard-${name}`;
      await create(userId);
      const room = await openRoom(await signIn(`${name}-host`));
      const issued = await issue(userId);
      const seat = await joinAs(issued, room);
      const log = listenToLog();
      const release = hold(room);
      const answer = await end(issued);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(await verify(issued.accessToken)).toBe(401);
      const lines = () => log().filter(line => line.event === event);
      expect(lines()).toMatchObject([{ uid: issued.uid, sid: issued.sid }]);
      release();
      await until(async () => (await call('GET', '/session/current', { token: seat })).status === 401);
      // Asked again once everybody has heard: there is nothing to end, and nothing more to tell.
      await until(async () => [401, 404].includes((await end(issued)).status));
      expect(lines()).toHaveLength(1);
    },
  );

  it.each([
    ['revocation', 'revoked', (token: Issued) => revoke(token)],
    ['logout link', 'linked', (token: Issued) => call('GET', token.logoutPath)],
  ] as const)('answers a repeated %s with 503, too', async (_, name, end) => {
    const userId = `repeated-${name}`;
    await create(userId);
    const room = await openRoom(await signIn(`repeated-${name}-host`));
    const issued = await issue(userId);
    await joinAs(issued, room);
    const release = hold(room);
    expect((await end(issued)).status).toBe(503);
    expect((await end(issued)).status).toBe(503);
    release();
  });
});

describe('the log', () => {
  it('has one line for every token that is issued, extended, revoked and logged out (S48)', async () => {
    await create('audited-tokens');
    const log = listenToLog();
    const one = await issue('audited-tokens');
    const two = await issue('audited-tokens');
    const three = await issue('audited-tokens');
    await extend('audited-tokens', one, { headers });
    await call('DELETE', `/v1/users/audited-tokens/tokens/${one.sid},${two.sid},unknown`, { headers });
    await call('GET', three.logoutPath);
    await call('GET', three.logoutPath);
    const { uid } = one;
    const said = log()
      .filter(({ event }) => ['token_issued', 'token_revoked', 'signed_out'].includes(String(event)))
      .map(({ requestId: _, network: __, ...line }) => line);
    const keyId = keys.accessKey.slice(-32);
    expect(said).toEqual([
      { event: 'token_issued', keyId, uid, sid: one.sid },
      { event: 'token_issued', keyId, uid, sid: two.sid },
      { event: 'token_issued', keyId, uid, sid: three.sid },
      { event: 'token_issued', keyId, uid, sid: one.sid, extended: true },
      { event: 'token_revoked', keyId, uid, sid: one.sid, kind: 'access' },
      { event: 'token_revoked', keyId, uid, sid: two.sid, kind: 'access' },
      { event: 'signed_out', uid, sid: three.sid, by: 'link' },
    ]);
  });

  it('has one line for every use of a secret key, with the key and the route (S48)', async () => {
    await create('audited-keys');
    const { accessToken: token } = await issue('audited-keys');
    const log = listenToLog();
    const used = () => log().filter(({ event }) => event === 'key_used');
    const { accessKey } = keys;
    const keyId = accessKey.slice(-32);
    for (const [method, path, route] of [
      ['GET', '/v1/users/audited-keys', '/v1/users/:userId'],
      ['GET', '/v1/users/audited-keys/tokens', '/v1/users/:userId/tokens'],
      ['GET', '/v1/users', '/v1/users'],
      ['GET', '/v1/users/me/logout', '/v1/users/me/logout'],
    ] as const) {
      const before = used().length;
      await call(method, path, { headers });
      expect(used().slice(before)).toMatchObject([{ keyId, method, route }]);
    }
    const before = used().length;
    await call('GET', '/v1/users/me', { token });
    await call('GET', '/v1/users/audited-keys', { headers: { 'x-server-key': `${keys.secretKey}x` } });
    expect(used()).toHaveLength(before);
  });
});
