/** Endings against what they end, many rounds: nothing that they end is alive once they have answered (S14, S16). */
import { expect, it } from 'vitest';
import { call, joinAs, keys, openRoom, signIn } from '../support/client.ts';
import { headStart } from '../support/races.ts';

const ROUNDS = 500;
const headers = { 'x-server-key': keys.secretKey };
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;
const refresh = (refreshToken: string) =>
  call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } });

it('S14 leaves no live successor to a refresh that races a logout (500 rounds)', async () => {
  let refreshed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const user = await signIn(`refresher-${round % 50}`, `device-${round}`);
    const [answer, ended] = await Promise.all([
      refresh(user.refreshToken),
      headStart(round).then(() => call('DELETE', '/api/v5/sessions', { token: user.accessToken })),
    ]);
    expect(ended.status).toBe(200);
    expect([200, 401]).toContain(answer.status);
    expect(await verify(user.accessToken)).toBe(401);
    if (answer.status !== 200) continue;
    refreshed += 1;
    expect(await verify(answer.body.accessToken)).toBe(401);
    expect((await refresh(answer.body.refreshToken)).status).toBe(401);
  }
  expect(refreshed).toBeGreaterThan(0);
  expect(refreshed).toBeLessThan(ROUNDS);
});

it('S16 leaves nobody signed in who was banned while signing in (500 rounds)', async () => {
  let signedIn = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const userId = `banned-${round}`;
    await signIn(userId);
    const body = { userId, deviceId: 'racing' };
    const [answer, banned] = await Promise.all([
      call('POST', '/api/v5/sessions', { key: keys.publishableKey, body }),
      headStart(round).then(() => call('PUT', `/v1/users/${userId}/ban`, { headers, body: {} })),
    ]);
    expect(banned.status).toBe(200);
    expect([200, 403]).toContain(answer.status);
    if (answer.status !== 200) continue;
    signedIn += 1;
    expect(await verify(answer.body.accessToken)).toBe(401);
  }
  expect(signedIn).toBeGreaterThan(0);
});

/** So many that each joins the same session less than ten times: more in a minute are refused. */
const JOINERS = 60;

/** Each end of a device session, against a renewal: the same device signing in again. */
const ends: Record<string, (userId: string, token: string) => Promise<unknown>> = {
  'a logout': (_, token) => call('DELETE', '/api/v5/sessions', { token }),
  'the end of all': userId => call('DELETE', `/api/v5/sessions/users/${userId}`, { headers }),
  'a ban': async userId => {
    const path = `/v1/users/${userId}/ban`;
    const banned = await call('PUT', path, { headers, body: {} });
    await call('DELETE', path, { headers });
    return banned;
  },
};

it.each(Object.entries(ends))(
  'S16 leaves nothing of a device session after %s that races a renewal',
  async (name, end) => {
    const room = await openRoom(await signIn(`renewal-host ${name}`));
    const outcomes = { ended: 0, new: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const userId = `renewal-${name.replaceAll(' ', '-')}-${round % JOINERS}`;
      const device = `device-${round}`;
      const user = await signIn(userId, device);
      const member = await joinAs(user, room);
      const [renewed, ended] = await Promise.all([
        signIn(userId, device).catch(() => null),
        headStart(round).then(() => end(userId, user.accessToken)),
      ]);
      expect(ended).toMatchObject({ status: 200 });
      expect([await verify(user.accessToken), (await refresh(user.refreshToken)).status]).toEqual([401, 401]);
      expect((await call('GET', '/session/current', { token: member })).status).toBe(401);
      if (!renewed) outcomes.refused += 1;
      else if (renewed.sid === user.sid) {
        outcomes.ended += 1;
        expect([await verify(renewed.accessToken), (await refresh(renewed.refreshToken)).status]).toEqual([
          401, 401,
        ]);
      } else outcomes.new += 1;
    }
    expect(outcomes.ended).toBeGreaterThan(0);
    expect(outcomes.new + outcomes.refused).toBeGreaterThan(0);
  },
);
