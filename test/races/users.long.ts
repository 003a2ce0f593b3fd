/**
 * Changes of users that race each other, a ban or an erasure. `series` keeps the rounds near the point where their order
 * tips, and each test asserts that both orders were seen among the rounds in which the two calls really overlapped.
 */
import { env } from 'cloudflare:workers';
import type { PrivateKeyAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { me, png } from '../support/accounts.ts';
import {
  type Answer,
  call,
  join,
  keys,
  openRoom,
  type Room,
  type SignedIn,
  signIn,
} from '../support/client.ts';
import { deviceObject, tablesOf } from '../support/objects.ts';
import { series } from '../support/races.ts';
import { vouchedFor } from '../support/vouched.ts';
import { elsewhere, newWallet, nonceFor, prove, signInBy } from '../support/wallets.ts';

const ROUNDS = 60;
const asServer = (method: string, path: string, body?: unknown) =>
  call(method, path, {
    headers: { 'x-server-key': keys.secretKey },
    ...(body === undefined ? {} : { body }),
  });
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;

async function upload({ accessToken: token }: SignedIn): Promise<string> {
  const headers = { 'content-type': 'png', 'content-length': String(png.length) };
  const { status, body } = await call('POST', '/uploads', { token, headers, body: png });
  if (status !== 200) throw new Error(`upload: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

const addPhoto = ({ accessToken: token }: SignedIn, id: string) =>
  call('POST', '/users/me/photos', {
    token,
    body: { photo: { id, fileType: 'png', fileSize: png.length } },
  });

it(`S27 gives a wallet to one of two who attach it together (${ROUNDS} rounds)`, async () => {
  const races = series('wallet for two', ['the one', 'the other']);
  const attach = async ({ accessToken: token }: SignedIn, wallet: PrivateKeyAccount) => {
    const { message } = await nonceFor(wallet);
    const signature = await wallet.signMessage({ message });
    const body = { '@type': 'wallet', walletAddress: wallet.address, message, signature };
    return () => call('POST', '/v1/users/me/locators', { token, body, headers: elsewhere() });
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const [ada, bob] = [await vouchedFor(`wants-${round}-a`), await vouchedFor(`wants-${round}-b`)];
    const wallet = newWallet();
    const raced = await races.run(await attach(ada, wallet), await attach(bob, wallet));
    const statuses = [raced.first.status, raced.second.status];
    expect(statuses.toSorted()).toEqual([200, 409]);
    const adaFirst = statuses[0] === 200;
    races.fell(adaFirst);
    expect((await signInBy(wallet)).uid).toBe((adaFirst ? ada : bob).uid);
  }
  expect(races.seen()).toEqual(['the one', 'the other']);
});

it(`keeps a photo and its upload together while it is added and removed (${ROUNDS} rounds)`, async () => {
  const races = series('photo added, removed', ['added first', 'removed first']);
  const user = await signIn('race-photo');
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await upload(user);
    const raced = await races.run(
      () => addPhoto(user, id),
      () => call('DELETE', `/users/me/photos/${id}`, { token: user.accessToken }),
    );
    expect(raced.first.status).toBe(200);
    expect([200, 404]).toContain(raced.second.status);
    const removed = raced.second.status === 200;
    races.fell(removed);
    const shown = (await me(user)).body.photos.some((photo: { id: string }) => photo.id === id);
    expect(shown).toBe(!removed);
    expect((await call('GET', `/uploads/${id}.png`)).status).toBe(removed ? 404 : 200);
    if (shown) await call('DELETE', `/users/me/photos/${id}`, { token: user.accessToken });
  }
  expect(races.seen()).toEqual(['added first', 'removed first']);
});

it(`sets no attribute by a definition that was removed before (${ROUNDS} rounds)`, async () => {
  const races = series('definition removed, attribute set', ['removed first', 'set first']);
  const { userId } = await signIn('race-attribute');
  for (let round = 0; round < ROUNDS; round += 1) {
    const key = `raced-${round}`;
    const forms = { allowedContentTypes: ['text/plain'], allowedContentEncodings: ['identity'] };
    await asServer('POST', '/v1/attribute-def/users', { key, ...forms });
    const profile = `/v1/users/${userId}/profile/${key}`;
    const raced = await races.run(
      () => asServer('DELETE', `/v1/attribute-def/users/${key}`),
      () => asServer('POST', profile, { key, value: 'x' }),
    );
    expect(raced.first.status).toBe(200);
    const set = raced.second.status === 200;
    if (!set) expect(raced.second.body.code).toBe('invalid_input');
    races.fell(!set);
    expect((await asServer('GET', profile)).body).toHaveLength(set ? 1 : 0);
    expect((await asServer('POST', profile, { key, value: 'y' })).status).toBe(400);
    if (set) await asServer('DELETE', profile);
  }
  expect(races.seen()).toEqual(['removed first', 'set first']);
});

/** The roles that a user's object shows, which are what requests are judged by. */
const rolesOf = async ({ uid, sid }: SignedIn): Promise<unknown[]> => {
  const standing = await deviceObject(uid).standing({ sid, jti: '' });
  if (!standing.ok) throw new Error(standing.code);
  return standing.value.record.roles;
};

describe('a role that is deleted', () => {
  it(`is not left with somebody to whom it is given meanwhile (${ROUNDS} rounds)`, async () => {
    const races = series('role deleted, given', ['deleted first', 'given first']);
    const user = await vouchedFor('race-role');
    for (let round = 0; round < ROUNDS; round += 1) {
      const roleId = `raced-${round}`;
      await asServer('PUT', `/v1/roles/${roleId}`, {});
      const raced = await races.run(
        () => asServer('DELETE', `/v1/roles/${roleId}`),
        () => asServer('PUT', '/v1/users/race-role/roles', { roles: [roleId] }),
      );
      expect(raced.first.status).toBe(200);
      expect([200, 404]).toContain(raced.second.status);
      races.fell(raced.second.status !== 200);
      expect(await rolesOf(user)).not.toContain(roleId);
      const rows = env.DB.prepare('SELECT count(*) AS n FROM userRoles WHERE roleId = ?').bind(roleId);
      expect(await rows.first('n')).toBe(0);
    }
    expect(races.seen()).toEqual(['deleted first', 'given first']);
  });

  it(`is with nobody when it is made again at once (${ROUNDS} rounds)`, async () => {
    const races = series('role deleted, made again', ['deleted first', 'made first']);
    const user = await vouchedFor('race-holder');
    for (let round = 0; round < ROUNDS; round += 1) {
      const roleId = `remade-${round}`;
      await asServer('PUT', `/v1/roles/${roleId}`, {});
      await asServer('PUT', '/v1/users/race-holder/roles', { roles: [roleId] });
      const raced = await races.run(
        () => asServer('DELETE', `/v1/roles/${roleId}`),
        () => asServer('PUT', `/v1/roles/${roleId}`, { displayName: 'again' }),
      );
      expect([raced.first.status, raced.second.status]).toEqual([200, 200]);
      const { body } = await asServer('GET', '/v1/roles');
      const stands = body.some((role: { roleId: string }) => role.roleId === roleId);
      races.fell(stands);
      expect(await rolesOf(user)).not.toContain(roleId);
    }
    expect(races.seen()).toEqual(['deleted first', 'made first']);
  });
});

describe('S16 a ban leaves nothing alive of', () => {
  type Prepared = { userId: string; attempt: () => Promise<Answer>; token: (answer: Answer) => string };
  const kinds: [string, (name: string) => Promise<Prepared>][] = [
    [
      'a directory token',
      async userId => {
        await signIn(userId);
        const attempt = () => asServer('POST', `/v1/users/${userId}/tokens`, {});
        return { userId, attempt, token: ({ body }) => body.userToken.signedToken };
      },
    ],
    [
      'a sign-in by an authToken',
      async userId => {
        await signIn(userId);
        const { body: authToken } = await asServer('POST', '/api/v4/authentication/token', { userId });
        const body = { userId, deviceId: 'raced', authToken };
        const attempt = () => call('POST', '/api/v5/sessions', { key: keys.publishableKey, body });
        return { userId, attempt, token: answer => answer.body.accessToken };
      },
    ],
    [
      'a sign-in by a wallet',
      async () => {
        const wallet = newWallet();
        const { userId } = await signInBy(wallet);
        const { message } = await nonceFor(wallet);
        return { userId, attempt: () => prove(wallet, message), token: ({ body }) => body.token };
      },
    ],
  ];

  it.each(kinds)(`%s that races it (${ROUNDS} rounds)`, async (kind, prepare) => {
    const races = series(`ban, ${kind}`, ['banned first', 'signed in first']);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { userId, attempt, token } = await prepare(`race-ban-${kind.replaceAll(' ', '-')}-${round}`);
      const raced = await races.run(() => asServer('PUT', `/v1/users/${userId}/ban`, {}), attempt);
      expect(raced.first.status).toBe(200);
      const opened = raced.second.status === 200;
      if (!opened) expect([401, 403]).toContain(raced.second.status);
      races.fell(!opened);
      if (opened) expect(await verify(token(raced.second))).toBe(401);
      await asServer('DELETE', `/v1/users/${userId}/ban`);
      if (opened) expect(await verify(token(raced.second))).toBe(401);
    }
    expect(races.seen()).toEqual(['banned first', 'signed in first']);
  });
});

/** The tables of D1 that hold rows of users, by the column that says whose. What outlives its user by promise is left out. */
const OUTLIVES = /^(walletOwners|retired|usersSearch|d1_|sqlite_|_cf_)/i;

async function rowsOf(uid: number): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%`uid`%'",
  ).all<{ name: string }>();
  const found: string[] = [];
  for (const { name } of results.filter(table => !OUTLIVES.test(table.name))) {
    const row = env.DB.prepare(`SELECT count(*) AS n FROM "${name}" WHERE uid = ?`).bind(uid);
    if ((await row.first<number>('n')) !== 0) found.push(name);
  }
  return found;
}

describe('S50 an erasure leaves nothing of its user that is written by', () => {
  const host = signIn('race-erasing-host');
  const rooms: Room[] = [];
  const calls: [string, (user: SignedIn) => Promise<() => Promise<Answer>>][] = [
    [
      'a change of name',
      async ({ accessToken: token }) =>
        () =>
          call('PUT', '/users/me', { token, body: { name: 'Late', about: 'late' } }),
    ],
    [
      'an attribute',
      async user => {
        const forms = { allowedContentTypes: ['text/plain'], allowedContentEncodings: ['identity'] };
        await asServer('POST', '/v1/attribute-def/users', { key: 'late', ...forms });
        return () =>
          call('POST', '/v1/users/me/profile/late', {
            token: user.accessToken,
            body: { key: 'late', value: 'x' },
          });
      },
    ],
    [
      'a locator',
      async ({ accessToken: token, uid }) =>
        () =>
          call('POST', '/v1/users/me/locators', { token, body: `"email:late-${uid}@example.com"` }),
    ],
    [
      'a photo',
      async user => {
        const id = await upload(user);
        return () => addPhoto(user, id);
      },
    ],
    [
      'an upload',
      async ({ accessToken: token }) => {
        const headers = { 'content-type': 'png', 'content-length': String(png.length) };
        return () => call('POST', '/uploads', { token, headers, body: png });
      },
    ],
    [
      'a role',
      async ({ userId }) => {
        await asServer('PUT', '/v1/roles/late', {});
        return () => asServer('PUT', `/v1/users/${userId}/roles`, { roles: ['late'] });
      },
    ],
    [
      'a presence',
      async ({ accessToken: token }) =>
        () =>
          call('POST', '/v1/users/me/presence', { token, body: { type: 'Late' } }),
    ],
    [
      'a join',
      async user => {
        const room = await openRoom(await host);
        rooms.push(room);
        return () => join(user, room.sessionId);
      },
    ],
  ];

  it.each(calls)(`%s that races it (${ROUNDS} rounds)`, async (kind, prepare) => {
    const races = series(`erasure, ${kind}`, ['erased first', 'written first']);
    for (let round = 0; round < ROUNDS; round += 1) {
      const user = await signIn(`race-erase-${kind.replaceAll(' ', '-')}-${round}`);
      const write = await prepare(user);
      const raced = await races.run(() => asServer('DELETE', `/v1/users/${user.userId}`), write);
      expect(raced.first.status).toBe(200);
      const { status, body } = raced.second;
      const wrote = status === 200;
      if (!wrote) expect([401, 403, 404, 503], JSON.stringify(body)).toContain(status);
      races.fell(!wrote);
      expect(await rowsOf(user.uid)).toEqual([]);
      if (kind === 'a join' && wrote) {
        const seat = body.credentials.token;
        expect((await call('GET', '/session/current', { token: seat })).status).toBe(401);
      }
      for (const { token } of rooms.splice(0)) await call('DELETE', '/session/current', { token });
      expect(await tablesOf(env.USER_PRESENCE.getByName(String(user.uid)))).toEqual([]);
    }
    expect(races.seen()).toEqual(['erased first', 'written first']);
  });
});
