/**
 * Calls of a host that race each other or those of members. `series` keeps the rounds near the point where their order
 * tips, and each test asserts that both orders were seen among the rounds in which the two calls really overlapped.
 */
import { expect, it } from 'vitest';
import { call, join, joinAs, openRoom, type Room, signIn } from '../support/client.ts';
import { series } from '../support/races.ts';

const ROUNDS = 60;

const current = (token: string) => call('GET', '/session/current', { token });
const kick = ({ token }: Room, userId: string) =>
  call('POST', '/session/current/kick', { token, body: { userId } });
const lift = ({ token }: Room, userId: string) =>
  call('DELETE', `/session/current/kick/${userId}`, { token });
const handOver = ({ token }: Room, userId: string) =>
  call('POST', '/session/current/host', { token, body: { userId } });
const close = (token: string) => call('DELETE', '/session/current', { token });

it(`I3 keeps one host while the role is handed over to a member who is kicked (${ROUNDS} rounds)`, async () => {
  const races = series('hand-over, kick', ['handed over first', 'kicked first']);
  const host = await signIn('race-host');
  for (let round = 0; round < ROUNDS; round += 1) {
    const user = await signIn(`race-heir-${round % 20}`);
    const room = await openRoom(host);
    const seat = await joinAs(user, room);
    const raced = await races.run(
      () => handOver(room, user.userId),
      () => kick(room, user.userId),
    );
    const handed = raced.first.status === 200;
    expect([raced.first.status, raced.second.status]).toEqual(handed ? [200, 403] : [404, 200]);
    races.fell(handed);
    const [ofHost, ofUser] = [await current(room.token), await current(seat)];
    expect([ofHost.status, ofUser.status]).toEqual(handed ? [200, 200] : [200, 401]);
    expect(ofHost.body.users.filter(({ role }: { role: string }) => role === 'Host')).toHaveLength(1);
    expect(ofHost.body.hostId).toBe(handed ? user.userId : host.userId);
    expect((await close(handed ? seat : room.token)).status).toBe(200);
  }
  expect(races.seen()).toEqual(['handed over first', 'kicked first']);
});

it(`I2 kicks for good or lets in again, as a kick and the lifting of its bar fall (${ROUNDS} rounds)`, async () => {
  const races = series('lift, kick', ['lifted first', 'kicked first']);
  const host = await signIn('race-lifter');
  for (let round = 0; round < ROUNDS; round += 1) {
    const user = await signIn(`race-lifted-${round % 20}`);
    const room = await openRoom(host);
    const seat = await joinAs(user, room);
    const raced = await races.run(
      () => lift(room, user.userId),
      () => kick(room, user.userId),
    );
    expect(raced.second.status).toBe(200);
    const again = await join(user, room.sessionId);
    // The old token is dead whichever came first.
    expect((await current(seat)).status).toBe(401);
    expect([200, 403]).toContain(again.status);
    races.fell(again.status === 403);
    if (again.status === 403) expect(again.body.code).toBe('member_kicked');
    else expect((await current(again.body.credentials.token)).status).toBe(200);
    await close(room.token);
  }
  expect(races.seen()).toEqual(['kicked first', 'lifted first']);
});

it(`I1 seats nobody beyond a capacity that is lowered while they join (${ROUNDS} rounds)`, async () => {
  const races = series('capacity, joins', ['lowered first', 'joined first']);
  const host = await signIn('race-seats');
  const users = await Promise.all([1, 2, 3].map(each => signIn(`race-sitter-${each}`)));
  for (let round = 0; round < ROUNDS; round += 1) {
    const room = await openRoom(host, { userCapacity: 10 });
    const raced = await races.run(
      () => call('PATCH', '/session/current', { token: room.token, body: { rules: { userCapacity: 2 } } }),
      () => Promise.all(users.map(user => join(user, room.sessionId))),
    );
    const lowered = raced.first.status === 200;
    const joined = raced.second.filter(({ status }) => status === 200).length;
    const { body } = await current(room.token);
    expect(body.userCount).toBe(joined + 1);
    expect(body.maxUsers).toBe(lowered ? 2 : 10);
    if (lowered) expect(joined).toBe(1);
    else expect([raced.first.body.code, joined]).toEqual(['capacity_below_members', 3]);
    races.fell(lowered);
    await close(room.token);
  }
  expect(races.seen()).toEqual(['joined first', 'lowered first']);
});
