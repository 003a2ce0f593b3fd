import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, claimsOf, joinAs, keys, openRoom, signIn } from '../support/client.ts';
import { keyRing } from '../support/objects.ts';
import { listen } from '../support/socket.ts';

afterEach(() => {
  vi.useRealTimers();
});

const DAY = 86_400_000;
const refresh = (refreshToken: unknown, version = 'v5') =>
  call('POST', `/api/${version}/sessions/refresh`, { body: { refreshToken } });
const verify = (token: string) => call('GET', '/api/v5/sessions', { token });
const moveClock = (byMs: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });

describe('works', () => {
  it.each(['v3', 'v4', 'v5'])('gives a new pair under %s', async version => {
    const user = await signIn(`refresher-${version}`);
    const { status, body } = await refresh(user.refreshToken, version);
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['accessToken', 'expiresAt', 'issuedAt', 'refreshToken']);
    expect(body.accessToken).not.toBe(user.accessToken);
    expect(body.refreshToken).not.toBe(user.refreshToken);
    expect(claimsOf(body.accessToken)).toMatchObject({ sid: user.sid, uid: user.uid, sub: user.userId });
    expect((await verify(body.accessToken)).status).toBe(200);
  });

  it('rotates at every use, and goes on for a chain of them', async () => {
    let { refreshToken } = await signIn('chain');
    const seen = new Set([refreshToken]);
    for (let use = 0; use < 5; use += 1) {
      ({ refreshToken } = (await refresh(refreshToken)).body);
      seen.add(refreshToken);
    }
    expect(seen.size).toBe(6);
  });

  it('S11 gives the current pair again, to the letter, to the immediate parent within 10 s', async () => {
    const { refreshToken } = await signIn('lost-response');
    const first = await refresh(refreshToken);
    moveClock(9_000);
    const again = await refresh(refreshToken);
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect((await refresh(first.body.refreshToken)).status).toBe(200);
  });

  it('moves the idle end and never the absolute one', async () => {
    let { refreshToken } = await signIn('idle-refresh');
    for (let day = 0; day < 24; day += 6) {
      moveClock(6 * DAY);
      const { status, body } = await refresh(refreshToken);
      expect(status).toBe(200);
      ({ refreshToken } = body);
    }
    moveClock(5 * DAY + DAY - 1_800_000);
    const last = await refresh(refreshToken);
    expect(last.status).toBe(200);
    const { exp } = claimsOf(last.body.accessToken) as { exp: number };
    expect(exp * 1000 - Date.now()).toBeLessThanOrEqual(1_800_000);
    moveClock(1_900_000);
    expect((await refresh(last.body.refreshToken)).status).toBe(401);
    expect((await verify(last.body.accessToken)).status).toBe(401);
  });
});

describe('refuses', () => {
  it.each([undefined, null, '', 7, {}])('%j for a refresh token', async token => {
    expect(await refresh(token)).toMatchObject({ status: 422, body: { code: 500000 } });
  });

  it('S12 a parent after the grace: the device session ends, and the successor dies too', async () => {
    const user = await signIn('robbed');
    const room = await openRoom(await signIn('robbed-host'));
    const member = await joinAs(user, room);
    const socket = await listen(member);
    const { body } = await refresh(user.refreshToken);
    moveClock(10_001);
    expect(await refresh(user.refreshToken)).toMatchObject({
      status: 401,
      body: { status: 'error', code: 400100, data: { detail: ['refresh_reused'] } },
    });
    expect((await refresh(body.refreshToken)).status).toBe(401);
    expect((await verify(body.accessToken)).status).toBe(401);
    expect((await call('GET', '/session/current', { token: member })).status).toBe(401);
    expect(await socket.hasClosed()).toMatchObject({ code: 4401 });
  });

  it('S11 a grandparent, also within the grace', async () => {
    const user = await signIn('grandparent');
    const parent = (await refresh(user.refreshToken)).body.refreshToken;
    const child = (await refresh(parent)).body.refreshToken;
    expect((await refresh(user.refreshToken)).body.data.detail).toEqual(['refresh_reused']);
    expect((await refresh(child)).status).toBe(401);
  });

  it('S13 an idle one after seven days, and an expired one inside the grace', async () => {
    const user = await signIn('idle-too-long');
    moveClock(7 * DAY - 2_000);
    const kept = await refresh(user.refreshToken);
    expect(kept.status).toBe(200);
    moveClock(7 * DAY + 1_000);
    expect((await refresh(kept.body.refreshToken)).status).toBe(401);
  });

  it('S13 an expired parent inside the grace, ending nothing', async () => {
    const user = await signIn('expired-parent');
    const { jti } = claimsOf(user.refreshToken) as { jti: string };
    const successor = (await refresh(user.refreshToken)).body.refreshToken;
    const now = Date.now();
    const claims = { sub: user.userId, uid: user.uid, sid: user.sid, jti, exp: Math.floor(now / 1000) - 1 };
    expect((await refresh(await keyRing.sign('refresh', claims, now - 60_000))).body.data.detail).toEqual([
      'invalid_token',
    ]);
    expect((await refresh(successor)).status).toBe(200);
  });

  it('S10 all but one lineage of fifty parallel uses', async () => {
    const { refreshToken } = await signIn('fifty');
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refreshToken)));
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]));
    const successors = new Set(answers.map(answer => answer.body.refreshToken));
    expect(successors.size).toBe(1);
    const [successor] = successors;
    expect((await refresh(successor)).status).toBe(200);
  });
});

describe('keeps out', () => {
  it('every other kind of token, and a foreign one', async () => {
    const user = await signIn('other-kinds');
    const room = await openRoom(user);
    for (const token of ['x', user.accessToken, room.token, `${user.refreshToken}x`]) {
      expect(await refresh(token)).toMatchObject({ status: 401, body: { code: 400100 } });
    }
    expect((await verify(user.accessToken)).status).toBe(200);
  });

  it('S14 whoever signed out, also while refreshing', async () => {
    for (let round = 0; round < 30; round += 1) {
      const user = await signIn('refresh-race');
      const [refreshed, ended] = await Promise.all([
        refresh(user.refreshToken),
        call('DELETE', '/api/v5/sessions', { token: user.accessToken }),
      ]);
      expect(ended.status).toBe(200);
      expect((await refresh(user.refreshToken)).status).toBe(401);
      if (refreshed.status !== 200) continue;
      expect((await verify(refreshed.body.accessToken)).status).toBe(401);
      expect((await refresh(refreshed.body.refreshToken)).status).toBe(401);
    }
  });

  it('a secret key: it holds no token', async () => {
    const headers = { 'x-server-key': keys.secretKey };
    expect((await call('GET', '/api/v5/sessions', { headers })).status).toBe(403);
  });
});
