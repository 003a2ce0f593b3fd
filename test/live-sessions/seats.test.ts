/** The promises about seats, each in the real runtime: I1, I2, I3. */
import { expect, it } from 'vitest';
import { call, join, joinAs, openRoom, type SignedIn, signIn } from '../support/client.ts';
import { listen } from '../support/socket.ts';

const current = (token: string) => call('GET', '/session/current', { token });
const people = (name: string, count: number): Promise<SignedIn[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => signIn(`${name}-${index}`)));

it('I1 admits exactly 8 of 200 who join a session of 8 seats at once', async () => {
  const room = await openRoom(await signIn('host-i1'), { userCapacity: 8 });
  const crowd = await people('crowd', 200);
  const answers = await Promise.all(crowd.map(user => join(user, room.sessionId)));
  const statuses = answers.map(answer => answer.status);
  expect(statuses.filter(status => status === 200)).toHaveLength(7);
  expect(statuses.filter(status => status === 409)).toHaveLength(193);
  const { body } = await current(room.token);
  expect(body.userCount).toBe(8);
  expect(body.users).toHaveLength(8);
});

it('I1 never passes the capacity while members leave and are kicked', async () => {
  const room = await openRoom(await signIn('host-i1b'), { userCapacity: 8 });
  const crowd = await people('crowd-b', 60);
  let most = 0;
  await Promise.all(
    crowd.map(async (user, index) => {
      const { status, body } = await join(user, room.sessionId);
      const seen = (await current(room.token)).body;
      most = Math.max(most, seen.userCount, seen.users.length);
      if (status !== 200) return;
      const { token } = body.credentials;
      if (index % 2) await call('POST', '/session/disconnect', { token });
      else await call('POST', '/session/current/kick', { token: room.token, body: { userId: user.userId } });
    }),
  );
  expect(most).toBeLessThanOrEqual(8);
  expect((await current(room.token)).body).toMatchObject({ userCount: 1 });
});

it('I2 makes a kick final: old token, new join, reconnect, another device', async () => {
  const room = await openRoom(await signIn('host-i2'), { password: 'sesame' });
  const user = await signIn('kicked');
  const token = await joinAs(user, room, { password: 'sesame' });
  const socket = await listen(token);
  await socket.heard('SessionState');
  await call('POST', '/session/current/kick', {
    token: room.token,
    body: { userId: 'kicked', reason: 'spam' },
  });
  expect((await current(token)).status).toBe(401);
  for (const device of [user, await signIn('kicked')]) {
    const again = await join(device, room.sessionId, { password: 'sesame' });
    expect(again).toMatchObject({ status: 403, body: { code: 'member_kicked' } });
    const blind = await join(device, room.sessionId, { password: 'wrong' });
    expect(blind).toMatchObject({ status: 403, body: { code: 'member_kicked' } });
  }
  const reconnect = await listen(token);
  expect(await reconnect.hasClosed()).toMatchObject({ code: 4403 });
  expect(reconnect.frames).toMatchObject([{ eventType: 'Kicked', data: { by: 'host-i2', reason: 'spam' } }]);
});

it('I3 has exactly one host while joins, leaves, kicks and deletes race', async () => {
  for (let round = 0; round < 20; round += 1) {
    const room = await openRoom(await signIn(`host-i3-${round}`));
    const crowd = await people(`heir-${round}`, 6);
    const tokens = await Promise.all(crowd.map(user => joinAs(user, room)));
    const [first, second, third, ...rest] = tokens as [string, string, string, ...string[]];
    await Promise.all([
      call('POST', '/session/disconnect', { token: room.token }),
      call('POST', '/session/disconnect', { token: first }),
      call('POST', '/session/current/kick', { token: room.token, body: { userId: crowd[1]?.userId } }),
      call('POST', '/session/current/kick', { token: second, body: { userId: crowd[2]?.userId } }),
      call('DELETE', '/session/current', { token: third }),
      join({ accessToken: crowd[0]?.accessToken ?? '' }, room.sessionId),
    ]);
    const views = await Promise.all(rest.map(current));
    for (const { status, body } of views) {
      expect([200, 404]).toContain(status);
      if (status !== 200) continue;
      const hosts = body.users.filter((user: { role: string }) => user.role === 'Host');
      expect(hosts).toHaveLength(1);
      expect(body.hostId).toBe(hosts[0].id);
      expect(body.users).toHaveLength(body.userCount);
    }
  }
});
