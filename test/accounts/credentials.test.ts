/** What becomes of passwords when something else happens at the same time: races, crashes, other ways to the object. */
import { env } from 'cloudflare:workers';
import { scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { givePassword, storePasswordHash } from '../../src/accounts/credential-service.ts';
import { changePassword, resetPassword, setCredentials } from '../../src/accounts/password-service.ts';
import type { Deps } from '../../src/deps.ts';
import { repairCopies } from '../../src/users/copy-service.ts';
import { updateUser } from '../../src/users/service.ts';
import { type Account, login, loginAs, me, PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere, type SignedIn } from '../support/client.ts';
import { claimsFor, depsWith, onDeviceSessions } from '../support/deps.ts';
import { headStart } from '../support/races.ts';
import { until } from '../support/until.ts';
import { vouchedFor } from '../support/vouched.ts';

const NEXT = 'another battery';
const LAST = 'the third battery';
const accountKey = 'a key that is long enough';

const changeTo = ({ accessToken: token }: SignedIn, oldPassword: string, newPassword: string) =>
  call('PUT', '/users/me/changePassword', {
    token,
    headers: elsewhere(),
    body: { oldPassword, newPassword },
  });

const hashOf = (uid: number) =>
  env.DB.prepare('SELECT passwordHash FROM credentials WHERE uid = ?')
    .bind(uid)
    .first<string>('passwordHash');

describe('a first password and an erasure at once', () => {
  it('leave no password without its user, whoever is first (S50)', async () => {
    for (let round = 0; round < 10; round += 1) {
      const user = await vouchedFor(`sets-while-erased-${round}`);
      const [set, erased] = await Promise.all([
        call('PUT', '/users/me/credentials', {
          token: user.accessToken,
          headers: elsewhere(),
          body: { username: `setsErased${round}`, password: PASSWORD },
        }),
        headStart(round).then(() =>
          call('DELETE', '/users/me', { token: user.accessToken, headers: elsewhere() }),
        ),
      ]);
      expect([200, 401, 404]).toContain(set.status);
      expect([200, 403]).toContain(erased.status);
      const rows = await env.DB.prepare(
        'SELECT (SELECT count(*) FROM users WHERE id = ?1) AS users, (SELECT count(*) FROM credentials WHERE uid = ?1) AS credentials',
      )
        .bind(user.uid)
        .first();
      const left = erased.status === 200 ? 0 : 1;
      expect(rows).toEqual({ users: left, credentials: left });
    }
  });

  it('give no password to whom the erasure has marked already (S50)', async () => {
    const user = await vouchedFor('sets-once-marked');
    await env.DB.prepare('UPDATE users SET erasedAt = 1 WHERE id = ?').bind(user.uid).run();
    const given = { username: 'setsMarked', passwordHash: 'any' };
    await expect(givePassword(depsWith(), user.uid, given)).rejects.toMatchObject({ code: 'user_not_found' });
    expect(await hashOf(user.uid)).toBe(null);
  });
});

describe('a new password keeps the device that gave it', () => {
  const ways: [string, (deps: Deps, user: Account) => Promise<unknown>][] = [
    ['the cron trigger', repairCopies],
    ['another change', (deps, { uid }) => updateUser(deps, uid, { description: 'Changed meanwhile' })],
    ['a sign-in with it', async (_, { username }) => loginAs(username, NEXT)],
  ];

  it.each(ways)('where %s brings the record to the object first (S16)', async (way, bring) => {
    const username = `keeps${way.replaceAll(/[^a-z]/g, '')}`;
    const [here, there] = [await register(username), await loginAs(username)];
    const real = depsWith();
    const deps = depsWith(
      onDeviceSessions(object => ({
        takeCopy: async record => {
          await bring(real, here);
          expect([(await me(here)).status, (await me(there)).status]).toEqual([200, 401]);
          return object.takeCopy(record);
        },
      })),
    );
    const change = { oldPassword: PASSWORD, newPassword: NEXT };
    await changePassword(deps, await claimsFor(deps, here), change, 'here');
    expect([(await me(here)).status, (await me(there)).status]).toEqual([200, 401]);

    const renamed = await call('PUT', '/users/me', { token: here.accessToken, body: { about: 'Kept' } });
    expect([renamed.status, (await me(here)).status]).toEqual([200, 200]);

    const other = await loginAs(username, NEXT);
    expect((await changeTo(other, NEXT, LAST)).status).toBe(200);
    expect([(await me(here)).status, (await me(other)).status]).toEqual([401, 200]);
  });

  it('but not through a reset by the account key (S16)', async () => {
    const user = await register('keptUntilReset');
    expect((await changeTo(user, PASSWORD, NEXT)).status).toBe(200);
    const { accessToken: token, uid } = user;
    await call('PUT', '/users/me/setAccountKey', { token, body: { password: NEXT, accountKey } });
    await resetPassword(depsWith(), { userId: uid, accountKey, newPassword: LAST }, 'here');
    expect((await me(user)).status).toBe(401);
  });
});

describe('a change that stands is told in the log, although its copy was not taken', () => {
  /** Which security events were told, from a deployment whose objects take no copies. */
  function withoutCopies(): { deps: Deps; told: unknown[] } {
    const told: unknown[] = [];
    const takeCopy = () => Promise.reject(new Error('object away'));
    const away = onDeviceSessions(() => ({ takeCopy }));
    return { deps: depsWith(deps => ({ ...away(deps), audit: (...event) => told.push(event) })), told };
  }
  const pending = { code: 'copy_pending' };

  it('password_changed (S47)', async () => {
    const user = await register('toldChange');
    const { deps, told } = withoutCopies();
    const change = { oldPassword: PASSWORD, newPassword: NEXT };
    await expect(changePassword(deps, await claimsFor(deps, user), change, 'here')).rejects.toMatchObject(
      pending,
    );
    expect(told).toEqual([['password_changed', { uid: user.uid, sid: user.sid }]]);
    expect((await login('toldChange', NEXT)).status).toBe(200);
  });

  it('password_reset (S47)', async () => {
    const { accessToken: token, uid } = await register('toldReset');
    await call('PUT', '/users/me/setAccountKey', { token, body: { password: PASSWORD, accountKey } });
    const { deps, told } = withoutCopies();
    const reset = { userId: uid, accountKey, newPassword: NEXT };
    await expect(resetPassword(deps, reset, 'here')).rejects.toMatchObject(pending);
    expect(told).toEqual([['password_reset', { uid, sid: null }]]);
  });

  it('password_set (S47)', async () => {
    const user = await vouchedFor('told-set');
    const { deps, told } = withoutCopies();
    const credentials = { username: 'toldSet01', password: PASSWORD };
    await expect(
      setCredentials(deps, await claimsFor(deps, user), credentials, 'here'),
    ).rejects.toMatchObject(pending);
    expect(told).toEqual([['password_set', { uid: user.uid }]]);
  });
});

describe('a hash', () => {
  const unpadded = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');

  it('under other parameters than today’s is made anew by a login, and ends nobody (S18)', async () => {
    const user = await register('oldHash01');
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const key = scryptSync(PASSWORD, salt, 32, { N: 2 ** 12, r: 8, p: 1 });
    const old = `$scrypt$ln=12,r=8,p=1$${unpadded(salt)}$${unpadded(key)}`;
    await env.DB.prepare('UPDATE credentials SET passwordHash = ? WHERE uid = ?').bind(old, user.uid).run();
    expect((await login('oldHash01', 'not the password')).status).toBe(401);
    expect(await hashOf(user.uid)).toBe(old);
    expect((await login('oldHash01', PASSWORD)).status).toBe(200);
    await until(async () => (await hashOf(user.uid))?.startsWith('$scrypt$ln=14,r=8,p=5$'));
    expect((await login('oldHash01', PASSWORD)).status).toBe(200);
    expect((await login('oldHash01', 'not the password')).status).toBe(401);
    expect((await me(user)).status).toBe(200);
  });

  it('made anew never takes the place of a password that was changed meanwhile', async () => {
    const user = await register('oldHash02');
    const resting = { passwordHash: (await hashOf(user.uid)) ?? '' };
    expect((await changeTo(user, PASSWORD, NEXT)).status).toBe(200);
    const changed = await hashOf(user.uid);
    expect(await storePasswordHash(depsWith(), user.uid, resting, 'of the old one')).toBe(false);
    expect(await hashOf(user.uid)).toBe(changed);
  });
});

describe('refuses', () => {
  it('the username as a new password, also where only the account key tells whose it is', async () => {
    const { accessToken: token, uid } = await register('sameAsName');
    await call('PUT', '/users/me/setAccountKey', { token, body: { password: PASSWORD, accountKey } });
    const reset = (newPassword: string) =>
      call('PUT', '/users/resetPassword', {
        headers: elsewhere(),
        body: { userId: uid, accountKey, newPassword },
      });
    expect(await reset('SAMEasNAME')).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
    expect((await login('sameAsName', PASSWORD)).status).toBe(200);
    expect((await reset('sameAsName2')).status).toBe(200);
  });
});
