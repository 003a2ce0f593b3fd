/** S16: endings against the sign-ins they race, 500 rounds: nothing of before is alive once they have answered. */
import { expect, it } from 'vitest';
import { login, register } from '../support/accounts.ts';
import { call, elsewhere, join, keys, openRoom, signIn } from '../support/client.ts';
import { liveObject } from '../support/objects.ts';
import { headStart } from '../support/races.ts';

const ROUNDS = 500;
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;

it('leaves no session opened with the old password by a login that races its change (500 rounds)', async () => {
  const USERS = 10;
  const owners = [];
  for (let user = 0; user < USERS; user += 1) owners.push(await register(`changing${user}`));
  let [opened, refused] = [0, 0];
  let [old, next] = ['correct horse battery', 'battery staple correct'];
  for (let round = 0; round < ROUNDS; round += 1) {
    const owner = owners[round % USERS];
    if (!owner) throw new Error('nobody there');
    const { accessToken: token, username } = owner;
    // A hash blocks the isolate: who begins in the middle of the other's is what decides.
    const changed = call('PUT', '/users/me/changePassword', {
      token,
      headers: elsewhere(),
      body: { oldPassword: old, newPassword: next },
    });
    if (round % 3 > 0) await scheduler.wait(((round * 37) % 100) * (round % 3) * 2);
    const [answer, { status }] = await Promise.all([login(username, old), changed]);
    expect(status).toBe(200);
    expect([200, 401]).toContain(answer.status);
    if (answer.status === 200) {
      opened += 1;
      expect(await verify(answer.body.deviceSessions[0].accessToken)).toBe(401);
    } else refused += 1;
    expect(await verify(token)).toBe(200);
    if (round % USERS === USERS - 1) [old, next] = [next, old];
  }
  console.log(JSON.stringify({ race: 'login, password change', opened, refused }));
  expect(opened).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

it('leaves nobody signed in or inside who signs in and joins while being erased (500 rounds)', async () => {
  let [signedIn, joined] = [0, 0];
  const host = await signIn('erasing-host');
  for (let round = 0; round < ROUNDS; round += 1) {
    const userId = `erased-${round}`;
    const user = await signIn(userId);
    const room = await openRoom(host);
    const [again, inside, erased] = await Promise.all([
      call('POST', '/api/v5/sessions', { key: keys.publishableKey, body: { userId, deviceId: 'racing' } }),
      join(user, room.sessionId),
      headStart(round).then(() =>
        call('DELETE', '/users/me', { token: user.accessToken, headers: elsewhere() }),
      ),
    ]);
    expect(erased.status).toBe(200);
    expect([200, 403, 503]).toContain(again.status);
    expect([200, 401]).toContain(inside.status);
    if (again.status === 200) {
      signedIn += 1;
      expect(await verify(again.body.accessToken)).toBe(401);
    }
    if (inside.status === 200) joined += 1;
    expect(await liveObject(room.sessionId).isInside(String(user.uid), Date.now())).toBe(false);
    await call('DELETE', '/session/current', { token: room.token });
  }
  console.log(JSON.stringify({ race: 'sign-in and join, erasure', signedIn, joined }));
  expect(signedIn).toBeGreaterThan(0);
  expect(joined).toBeGreaterThan(0);
});
