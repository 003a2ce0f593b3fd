/** S16: endings against the sign-ins they race, 500 rounds: nothing of before is alive once they have answered. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { replacePassword } from '../../src/accounts/credential-service.ts';
import { hashPassword } from '../../src/crypto/passwords.ts';
import { login, PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere, join, keys, openRoom, signIn } from '../support/client.ts';
import { depsWith } from '../support/deps.ts';
import { liveObject } from '../support/objects.ts';
import { headStart } from '../support/races.ts';

const ROUNDS = 500;
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;

/** One round in so many changes the password over HTTP, with two hashes; the others by the service, with one made before. */
const OVER_HTTP_EVERY = 10;

it('leaves no session opened with the old password by a login that races its change (500 rounds)', async () => {
  const USERS = 10;
  const passwords = ['correct horse battery', 'battery staple correct'] as const;
  const hashes = await Promise.all(passwords.map(hashPassword));
  const owners = [];
  for (let user = 0; user < USERS; user += 1) owners.push(await register(`changing${user}`));
  let [opened, refused] = [0, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    const owner = owners[round % USERS];
    if (!owner) throw new Error('nobody there');
    const { accessToken: token, username, uid, sid } = owner;
    const turn = Math.floor(round / USERS) % 2;
    const [old = '', next = ''] = turn ? [...passwords].reverse() : passwords;
    const overHttp = async () => {
      const body = { oldPassword: old, newPassword: next };
      const headers = elsewhere();
      const { status } = await call('PUT', '/users/me/changePassword', { token, headers, body });
      return status === 200;
    };
    const byService = async () => {
      const stored = await env.DB.prepare('SELECT passwordHash FROM credentials WHERE uid = ?')
        .bind(uid)
        .first();
      // While the login hashes nothing else runs: whoever waits meanwhile goes on together with it.
      if (round % 2) await scheduler.wait((round * 37) % 200);
      else await headStart(round);
      const next = { passwordHash: hashes[1 - turn] ?? '', accountKeyHash: null };
      const resting = { passwordHash: String(stored?.passwordHash) };
      return replacePassword(depsWith(), uid, resting, next, sid);
    };
    const change = round % OVER_HTTP_EVERY === Math.floor(round / 100) ? overHttp : byService;
    const [answer, changed] = await Promise.all([login(username, old), change()]);
    expect(changed).toBeTruthy();
    expect([200, 401]).toContain(answer.status);
    if (answer.status === 200) {
      opened += 1;
      expect(await verify(answer.body.deviceSessions[0].accessToken)).toBe(401);
    } else refused += 1;
    expect(await verify(token)).toBe(200);
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

it('leaves no half-made user: of 50 registrations of one username at once, one is answered 200 and 49 are 409', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      call('POST', '/users', {
        headers: elsewhere(),
        body: { name: 'Somebody', username: index % 2 ? 'racing01' : 'RACING01', password: PASSWORD },
      }),
    ),
  );
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, ...Array(49).fill(409)]);
  const rows = await env.DB.prepare(
    "SELECT (SELECT count(*) FROM users WHERE lower(username) = 'racing01') AS users, (SELECT count(*) FROM credentials c LEFT JOIN users u ON u.id = c.uid WHERE u.id IS NULL) AS orphans, (SELECT count(*) FROM users u LEFT JOIN credentials c ON u.id = c.uid WHERE u.username IS NOT NULL AND c.uid IS NULL) AS halves",
  ).first();
  expect(rows).toEqual({ users: 1, orphans: 0, halves: 0 });
});
