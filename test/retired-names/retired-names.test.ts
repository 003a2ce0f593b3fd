/** What outlives an erasure: names that are never issued again, and what a ban goes on refusing (S50). */

import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { localKeys } from '../../src/dev/local-keys.ts';
import { parseMasterSecrets } from '../../src/dev/secrets.ts';
import { createUser } from '../../src/directory/service.ts';
import { eraseUser } from '../../src/erasure/service.ts';
import { runMaintenance } from '../../src/maintenance.ts';
import { hashName, type Name } from '../../src/retired-names/service.ts';
import { PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere, keys, signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { depsWith, onDeviceSessions } from '../support/deps.ts';
import { deviceObject } from '../support/objects.ts';
import { vouchedFor } from '../support/vouched.ts';
import { newWallet, nonceFor, prove } from '../support/wallets.ts';

const HOUR = 60 * 60_000;
const asSystem = { 'x-server-key': keys.secretKey };

afterEach(() => {
  vi.useRealTimers();
});

const registerAs = (username: string) =>
  call('POST', '/users', { headers: elsewhere(), body: { name: 'x', username, password: PASSWORD } });
const proveAs = async (wallet: ReturnType<typeof newWallet>) =>
  prove(wallet, (await nonceFor(wallet)).message);
const putBan = (userId: string, until: number | null = null) =>
  call('PUT', `/v1/users/${userId}/ban`, {
    headers: asSystem,
    body: { until: until === null ? null : new Date(until).toISOString() },
  });
const liftBan = (userId: string) => call('DELETE', `/v1/users/${userId}/ban`, { headers: asSystem });

const ownWallet = (uid: number, address: string, chainId = 0) =>
  env.DB.prepare("INSERT INTO locators VALUES (?, ?, 'wallet', ?, ?, 1, 'Verified', 0)")
    .bind(crypto.randomUUID(), uid, address.toLowerCase(), chainId)
    .run();

async function bansOn(name: Name): Promise<(number | null)[]> {
  const hashes = await hashName(depsWith(), name);
  const { results } = await env.DB.prepare(
    "SELECT until FROM retiredNames WHERE kind = 'ban' AND hash IN (SELECT value FROM json_each(?))",
  )
    .bind(JSON.stringify(hashes))
    .all<{ until: number | null }>();
  return results.map(({ until }) => until);
}

async function runCron(): Promise<void> {
  const ctx = createExecutionContext();
  await runMaintenance(env, ctx);
  await waitOnExecutionContext(ctx);
}

describe('a ban', () => {
  it('that reaches the object after the user was marked goes on refusing their username and wallet', async () => {
    const user = await register('bannedLate');
    const wallet = newWallet();
    await ownWallet(user.uid, wallet.address);
    const deps = depsWith(
      onDeviceSessions(object => ({
        erase: async () => {
          const banned = await object.ban({ reason: null, until: null });
          expect(banned.ok).toBe(true);
          return object.erase();
        },
      })),
    );
    await eraseUser(deps, user.uid);
    expect(await registerAs('BANNEDlate')).toMatchObject({ status: 409, body: { code: 'username_taken' } });
    expect(await proveAs(wallet)).toMatchObject({ status: 401, body: { code: 'sign_in_refused' } });
    expect((await liftBan(user.userId)).status).toBe(200);
    expect((await registerAs('BANNEDlate')).status).toBe(200);
    expect((await proveAs(wallet)).status).toBe(200);
  });

  it('is refused, not promised, once the object was told of an erasure', async () => {
    const user = await signIn('banned-too-late');
    await deviceObject(user.uid).erase();
    expect(await putBan('banned-too-late')).toMatchObject({ status: 404, body: { code: 'user_not_found' } });
    expect(await deviceObject(user.uid).currentBan()).toBe(null);
    await deviceObject(user.uid).forget();
    expect((await putBan('banned-too-late')).status).toBe(404);
  });

  it('is remembered also where erasure broke after the object had told it', async () => {
    const user = await register('bannedBreak');
    await putBan(user.userId);
    const deps = depsWith(
      onDeviceSessions(object => ({
        forget: async () => {
          await object.forget();
          throw new Error('crash');
        },
      })),
    );
    await expect(eraseUser(deps, user.uid)).rejects.toMatchObject({ code: 'not_everywhere_yet' });
    await runCron();
    expect(
      await env.DB.prepare('SELECT count(*) AS n FROM users WHERE id = ?').bind(user.uid).first('n'),
    ).toBe(0);
    expect((await registerAs('bannedBreak')).status).toBe(409);
  });

  it('refuses its username also to whoever sets a first password', async () => {
    const user = await register('bannedFirst');
    await putBan(user.userId);
    await eraseUser(depsWith(), user.uid);
    const { accessToken: token } = await vouchedFor('wants-a-banned-name');
    const body = { username: 'bannedFIRST', password: PASSWORD };
    const answer = await call('PUT', '/users/me/credentials', { token, headers: elsewhere(), body });
    expect(answer).toMatchObject({ status: 409, body: { code: 'username_taken' } });
    expect((await call('GET', '/users/me', { token })).body.username).toBe(undefined);
  });

  it('that is over refuses nobody, and the cron trigger forgets it and no other', async () => {
    const [lapsing, lasting] = [await register('bannedHour'), await register('bannedEver')];
    await putBan(lapsing.userId, Date.now() + HOUR);
    await putBan(lasting.userId);
    const wallet = newWallet();
    await ownWallet(lapsing.uid, wallet.address);
    for (const { uid } of [lapsing, lasting]) await eraseUser(depsWith(), uid);
    expect((await registerAs('bannedHour')).status).toBe(409);
    await runCron();
    expect(await bansOn(['username', 'bannedhour'])).toHaveLength(1);

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR + 1_000 });
    expect((await proveAs(wallet)).status).toBe(200);
    await runCron();
    expect((await registerAs('bannedHour')).status, 'names of the erased rest for 30 days').toBe(409);
    expect(await bansOn(['username', 'bannedhour'])).toEqual([]);
    expect(await bansOn(['wallet', wallet.address.toLowerCase()])).toEqual([]);
    expect(await bansOn(['username', 'bannedever'])).toEqual([null]);
    const names = "SELECT count(*) AS n FROM retiredNames WHERE kind = 'name' AND until IS NULL";
    expect(await env.DB.prepare(names).first('n')).toBeGreaterThanOrEqual(2);
    expect((await registerAs('bannedEver')).status).toBe(409);

    vi.setSystemTime(Date.now() + 30 * 24 * HOUR);
    expect((await registerAs('bannedHour')).status).toBe(200);
    expect((await registerAs('bannedEver')).status).toBe(409);
  });

  it.each([
    ['the longer first', [2 * HOUR, HOUR], 2 * HOUR],
    ['the shorter first', [HOUR, 2 * HOUR], 2 * HOUR],
    ['one without an end first', [null, HOUR], null],
    ['one without an end last', [HOUR, null], null],
  ] as [string, (number | null)[], number | null][])(
    'on a name that another is on lasts as long as the longer of them: %s',
    async (_, lengths, longest) => {
      const { address } = newWallet();
      const now = Date.now();
      const endOf = (length: number | null) => (length === null ? null : now + length);
      for (const [index, length] of lengths.entries()) {
        const user = await signIn(`two-bans-${address}-${index}`.slice(0, 72));
        await ownWallet(user.uid, address, index + 1);
        expect((await putBan(user.userId, endOf(length))).status).toBe(200);
        await eraseUser(depsWith(), user.uid);
      }
      expect(await bansOn(['wallet', address.toLowerCase()])).toEqual([endOf(longest)]);
    },
  );
});

describe('after NAME_PEPPERS got a newer version', () => {
  /** As the deployment was when there was only its older secret. */
  const underOldSecret = () =>
    depsWith(({ config }) => {
      const [newest, older = newest] = config.namePeppers;
      return { config: { ...config, namePeppers: [older] } };
    });

  it('an erased userId is still issued to nobody', async () => {
    const user = await signIn('retired-under-old');
    await eraseUser(underOldSecret(), user.uid);
    const body = { userId: 'retired-under-old', deviceId: 'd' };
    expect((await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body })).status).toBe(403);
    const entry = { userId: 'retired-under-old', screenName: { screenName: 'x' } };
    await expect(createUser(depsWith(), entry)).rejects.toMatchObject({ code: 'duplicate_entity' });
    const named = "SELECT count(*) AS n FROM users WHERE userId = 'retired-under-old'";
    expect(await env.DB.prepare(named).first('n')).toBe(0);
  });

  it('a ban still refuses, and can be lifted', async () => {
    const user = await register('bannedOldKey');
    const wallet = newWallet();
    await ownWallet(user.uid, wallet.address);
    await putBan(user.userId);
    await eraseUser(underOldSecret(), user.uid);
    expect((await registerAs('bannedOldKey')).status).toBe(409);
    expect((await proveAs(wallet)).status).toBe(401);
    expect((await liftBan(user.userId)).status).toBe(200);
    expect((await registerAs('bannedOldKey')).status).toBe(200);
    expect((await proveAs(wallet)).status).toBe(200);
  });
});

it('a master secret that leaks and is taken out brings no erased userId and no ban back', async () => {
  const user = await signIn('retired-leak');
  await eraseUser(depsWith(), user.uid);
  const banned = await register('leakedBan');
  await putBan(banned.userId);
  await eraseUser(depsWith(), banned.uid);
  const [newest = ''] = env.MASTER_SECRETS.split(',');
  const ask = deployedWith({ MASTER_SECRETS: newest });
  const key = (await localKeys(parseMasterSecrets(newest))).keys.publishableKey;
  await env.DB.exec((await localKeys(parseMasterSecrets(newest))).sql);
  const body = { userId: 'retired-leak', deviceId: 'd' };
  expect((await ask('POST', '/api/v5/sessions', { key, body })).status).toBe(403);
  const again = { name: 'x', username: 'leakedBan', password: 'correct horse battery' };
  expect((await ask('POST', '/users', { body: again })).status).toBe(409);
});
