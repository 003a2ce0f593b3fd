/** Names lead to people: by userId, by username, by number, from each surface to the others. */
import { describe, expect, it } from 'vitest';
import { me, register } from '../support/accounts.ts';
import { call, keys, signIn } from '../support/client.ts';

const headers = { 'x-server-key': keys.secretKey };
const find = (path: string) => call('GET', `/v1/users/${path}`, { headers });

describe('works', () => {
  it('finds a user by username, in whatever case, and by number, as by userId', async () => {
    const user = await register('LeadsToMe1');
    const { body: byUserId } = await find(user.userId);
    const named = { ...byUserId, username: 'LeadsToMe1', id: user.uid };
    for (const path of ['by/username/leadstome1', 'by/username/LEADSTOME1', `by/id/${user.uid}`])
      expect(await find(path)).toMatchObject({ status: 200, body: named });
  });

  it('shows profiles where they are asked for', async () => {
    const user = await signIn('by-number');
    const { body } = await find(`by/id/${user.uid}?withProfileAttributes=*`);
    expect(body).toMatchObject({ userId: 'by-number', username: null, entityProfile: { attributes: [] } });
  });

  it('lists users with their username and number', async () => {
    const user = await register('listedName1');
    const { body } = await call('GET', '/v1/users', { headers });
    expect(body).toContainEqual(expect.objectContaining({ id: user.uid, username: 'listedName1' }));
  });

  it('tells people their own userId, by which they can be banned', async () => {
    const user = await register('knowsOwnId1');
    const { userId } = (await me(user)).body;
    expect(userId).toBe(user.userId);
    expect((await call('PUT', `/v1/users/${userId}/ban`, { headers, body: {} })).status).toBe(200);
    expect((await me(user)).status).toBe(401);
  });
});

describe('refuses', () => {
  it.each([
    'by/username/nobody',
    "by/username/x' OR 1=1",
    'by/id/999999999',
    'by/id/0',
    'by/id/x',
    'by/id/1.5',
  ])('what leads to nobody: %s', async path => {
    expect((await find(path)).status).toBe(404);
  });
});

describe('keeps out', () => {
  it('everybody without a secret key, and the number and username of others', async () => {
    const [user, other] = [await register('hiddenName1'), await signIn('looks-around')];
    for (const path of ['by/username/hiddenName1', `by/id/${user.uid}`]) {
      expect((await call('GET', `/v1/users/${path}`)).status).toBe(401);
      expect((await call('GET', `/v1/users/${path}`, { token: other.accessToken })).status).toBe(403);
    }
    const { body } = await call('GET', `/v1/users/${user.userId}`, { token: other.accessToken });
    expect(body).not.toHaveProperty('username');
    expect(body).not.toHaveProperty('id');
  });
});
