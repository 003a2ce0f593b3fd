/** A user is in at most 20 live sessions: those that stand count, and no others: I15. */
import { describe, expect, it } from 'vitest';
import { call, join, joinAs, keys, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import { rowsOf } from '../support/object-fixtures.ts';
import { deviceStub } from '../support/objects.ts';

const create = (user: SignedIn) =>
  call('POST', '/session', { key: keys.publishableKey, token: user.accessToken, body: { rules: {} } });
const destroy = (token: string) => call('DELETE', '/session/current', { token });
const times = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

describe('works', () => {
  it('for eight that make and delete live sessions side by side, as often as they like', async () => {
    const user = await signIn('cap-parallel');
    const statuses = await times(8, async () => {
      const answers: number[] = [];
      for (let round = 0; round < 8; round += 1) {
        const { status, body } = await create(user);
        answers.push(status);
        if (status === 200) await destroy(body.credentials.token);
      }
      return answers;
    });
    expect(new Set(statuses.flat())).toEqual(new Set([200]));
  });

  it('for the last free place among nineteen that stand, again and again', async () => {
    const user = await signIn('cap-nineteen');
    for (let standing = 0; standing < 19; standing += 1) await openRoom(user);
    for (let round = 0; round < 8; round += 1) {
      const { status, body } = await create(user);
      expect(status).toBe(200);
      await destroy(body.credentials.token);
    }
  });

  it('for joins that are left again, side by side with others', async () => {
    const user = await signIn('cap-joining');
    const host = await signIn('cap-joining-host');
    const rooms: Room[] = [];
    for (let made = 0; made < 12; made += 1) rooms.push(await openRoom(host));
    for (let round = 0; round < 3; round += 1) {
      const answers = await times(rooms.length, async index => {
        const { status, body } = await join(user, rooms[index]?.sessionId ?? '');
        if (status === 200) await call('POST', '/session/disconnect', { token: body.credentials.token });
        return status;
      });
      expect(new Set(answers)).toEqual(new Set([200]));
    }
  });
});

describe('refuses', () => {
  it('the twenty-first that would stand, made or joined, and leaves no live session of it', async () => {
    const user = await signIn('cap-full');
    const rooms: Room[] = [];
    for (let standing = 0; standing < 20; standing += 1) rooms.push(await openRoom(user));
    const other = await openRoom(await signIn('cap-full-host'));
    expect((await create(user)).body.code).toBe('too_many_live_sessions');
    expect((await join(user, other.sessionId)).body.code).toBe('too_many_live_sessions');
    expect(await rowsOf(deviceStub(user.uid), 'notes')).toHaveLength(20);
    await destroy(rooms[0]?.token ?? '');
    await joinAs(user, other);
    expect((await create(user)).body.code).toBe('too_many_live_sessions');
  });

  it('all but the places that are left, however many ask at once', async () => {
    const user = await signIn('cap-rush');
    for (let standing = 0; standing < 17; standing += 1) await openRoom(user);
    const answers = await times(10, () => create(user));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7);
  });
});

describe('keeps out', () => {
  it('a user who was signed out while a place was looked for', async () => {
    const user = await signIn('cap-ended');
    for (let standing = 0; standing < 20; standing += 1) await openRoom(user);
    const [made, ended] = await Promise.all([
      create(user),
      call('DELETE', '/api/v5/sessions', { token: user.accessToken }),
    ]);
    expect(ended.status).toBe(200);
    expect([401, 409]).toContain(made.status);
    expect((await create(user)).status).toBe(401);
  });
});
