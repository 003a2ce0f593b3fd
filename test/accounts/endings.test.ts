/** S16: a new password ends what rests on the old one, sockets and seats in live sessions included. */
import { describe, expect, it } from 'vitest';
import { loginAs, me, PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere, join, joinAs, openRoom, type SignedIn, signIn } from '../support/client.ts';
import { type Listener, listen } from '../support/socket.ts';

const NEXT = 'another battery';
const accountKey = 'a key that is long enough';

const change = ({ accessToken: token }: SignedIn) =>
  call('PUT', '/users/me/changePassword', {
    token,
    headers: elsewhere(),
    body: { oldPassword: PASSWORD, newPassword: NEXT },
  });

async function twoDevicesInside(username: string) {
  const room = await openRoom(await signIn(`${username}-host`));
  const [here, there] = [await register(username), await loginAs(username)];
  const seats: Listener[] = [];
  const tokens: string[] = [];
  for (const device of [here, there]) {
    const token = await joinAs(device, room);
    tokens.push(token);
    const socket = await listen(token);
    await socket.heard('SessionState');
    seats.push(socket);
  }
  return { room, here, there, seats, tokens };
}

const current = (token: string | undefined) => call('GET', '/session/current', { token });

describe('a new password', () => {
  it('ends the other devices and what they joined, and leaves the one that asks inside', async () => {
    const { room, here, there, seats, tokens } = await twoDevicesInside('socketed01');
    expect((await change(here)).status).toBe(200);
    expect([(await me(here)).status, (await me(there)).status]).toEqual([200, 401]);
    expect((await seats[1]?.heard('SignedOut'))?.data).toEqual({ reason: 'signed_out' });
    expect((await seats[1]?.hasClosed())?.code).toBe(4401);
    expect((await current(tokens[1])).status).toBe(401);
    expect((await join(there, room.sessionId)).status).toBe(401);
    expect((await current(tokens[0])).status).toBe(200);
    expect(seats[0]?.closed).toBe(null);
    expect((await change(there)).status).toBe(401);
  });

  it('set by the account key ends all of them', async () => {
    const { here, there, seats, tokens } = await twoDevicesInside('socketed02');
    const body = { password: PASSWORD, accountKey };
    const set = await call('PUT', '/users/me/setAccountKey', {
      token: here.accessToken,
      headers: elsewhere(),
      body,
    });
    expect(set.status).toBe(200);
    const reset = await call('PUT', '/users/resetPassword', {
      headers: elsewhere(),
      body: { userId: here.uid, accountKey, newPassword: NEXT },
    });
    expect([reset.status, reset.body]).toEqual([200, '']);
    for (const device of [here, there]) expect((await me(device)).status).toBe(401);
    for (const socket of seats) expect((await socket.hasClosed()).code).toBe(4401);
    for (const token of tokens) expect((await current(token)).status).toBe(401);
    expect((await loginAs('socketed02', NEXT)).uid).toBe(here.uid);
  });

  it('leaves the device that gave it signed in through the next one, too', async () => {
    const user = await register('changesTwice');
    expect((await change(user)).status).toBe(200);
    const again = await call('PUT', '/users/me/changePassword', {
      token: user.accessToken,
      headers: elsewhere(),
      body: { oldPassword: NEXT, newPassword: PASSWORD },
    });
    expect(again.status).toBe(200);
    expect((await me(user)).status).toBe(200);
  });

  it('is one of two that are set at once, each for the same old one', async () => {
    const [here, there] = [await register('changesTwo1'), await loginAs('changesTwo1')];
    const answers = await Promise.all([change(here), change(there)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, expect.any(Number)]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const alive = await Promise.all([me(here), me(there)]);
    expect(alive.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});
