/** S20: every way to a password counts at one place, and what counted is forgotten with the user. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hashRuns } from '../../src/crypto/passwords.ts';
import { basic, login, PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere, signIn } from '../support/client.ts';
import { objects, tablesOf } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { vouchedFor } from '../support/vouched.ts';

const accountKey = 'a key that is long enough';

afterEach(() => {
  vi.restoreAllMocks();
});

const stubOf = (username: string) => env.THROTTLE.getByName(`username:${username}`);

async function knownAt(username: string): Promise<number> {
  if (!(await tablesOf(stubOf(username))).includes('known')) return 0;
  return runInDurableObject(
    stubOf(username) as never,
    (_, { storage }: DurableObjectState) => storage.sql.exec('SELECT * FROM known').toArray().length,
  );
}

/** As many failures, from everywhere, as close a username for a day to whoever did not succeed before. */
async function attack(username: string): Promise<void> {
  const object = objects.throttle(`username:${username}`);
  await Promise.all(Array.from({ length: 100 }, (_, index) => object.chargeUsername(`192.0.2.${index}`)));
}

describe('counts at one place', () => {
  it('wrong account keys and logins (S20)', async () => {
    const { uid, accessToken: token } = await register('countsReset');
    await call('PUT', '/users/me/setAccountKey', { token, body: { password: PASSWORD, accountKey } });
    const from = elsewhere();
    const body = { userId: uid, accountKey: 'not the account key, surely', newPassword: 'something new' };
    for (let tried = 0; tried < 10; tried += 1) {
      const answer = await call('PUT', '/users/resetPassword', { headers: from, body });
      expect(answer.body.code).toBe('wrong_account_key');
    }
    expect((await login('countsReset', PASSWORD, { headers: from })).status).toBe(401);
    const right = { ...body, accountKey };
    expect((await call('PUT', '/users/resetPassword', { headers: from, body: right })).status).toBe(403);
    expect((await login('countsReset', PASSWORD)).status).toBe(200);
  });

  it('wrong old passwords and logins (S20)', async () => {
    const { accessToken: token } = await register('countsChange');
    const from = elsewhere();
    const change = (oldPassword: string) =>
      call('PUT', '/users/me/changePassword', {
        token,
        headers: from,
        body: { oldPassword, newPassword: 'something new' },
      });
    for (let tried = 0; tried < 10; tried += 1) {
      expect((await change('not the password')).body.code).toBe('wrong_password');
    }
    expect((await login('countsChange', PASSWORD, { headers: from })).status).toBe(401);
    expect((await change(PASSWORD)).status).toBe(403);
    expect((await login('countsChange', PASSWORD)).status).toBe(200);
  });

  it('and answers who must wait only after about as long as a hash takes, without one (S21)', async () => {
    await register('waitsAlike');
    const from = elsewhere();
    for (let tried = 0; tried < 10; tried += 1) await login('waitsAlike', 'not it', { headers: from });
    const waits = vi.spyOn(scheduler, 'wait');
    const runs = hashRuns();
    expect((await login('waitsAlike', PASSWORD, { headers: from })).status).toBe(401);
    expect(hashRuns()).toBe(runs);
    expect(Math.max(0, ...waits.mock.calls.map(([ms]) => ms))).toBeGreaterThan(0);
  });
});

describe('lets the owner in', () => {
  it('on every one of many devices that sign in at once from one address', async () => {
    await register('manyDevices');
    const from = elsewhere();
    const answers = await Promise.all(
      Array.from({ length: 14 }, () => login('manyDevices', PASSWORD, { headers: from })),
    );
    expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 200));
  });

  it('never by a guess more for asking all at once (S20)', async () => {
    await register('guessedAtOnce');
    const from = elsewhere();
    const runs = hashRuns();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => login('guessedAtOnce', 'not the password', { headers: from })),
    );
    expect(hashRuns() - runs).toBe(10);
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([401]));
    expect((await login('guessedAtOnce', PASSWORD, { headers: from })).status).toBe(401);
    expect((await login('guessedAtOnce', PASSWORD)).status).toBe(200);
  });

  it('where they registered, although others used up every failure of the day (S20)', async () => {
    const from = elsewhere();
    const body = { name: 'Owner', username: 'ownsName1', password: PASSWORD };
    expect((await call('POST', '/users', { headers: from, body })).status).toBe(200);
    await until(async () => (await knownAt('ownsname1')) === 1);
    await attack('ownsname1');
    expect((await login('ownsName1', PASSWORD)).status).toBe(401);
    expect((await login('ownsName1', PASSWORD, { headers: from })).status).toBe(200);
  });

  it('where they set their first password, although others used up every failure of the day (S20)', async () => {
    const { accessToken: token } = await vouchedFor('owns-name-2');
    const from = elsewhere();
    const body = { username: 'ownsName2', password: PASSWORD };
    expect((await call('PUT', '/users/me/credentials', { token, headers: from, body })).status).toBe(200);
    await until(async () => (await knownAt('ownsname2')) === 1);
    await attack('ownsname2');
    expect((await login('ownsName2', PASSWORD)).status).toBe(401);
    expect((await login('ownsName2', PASSWORD, { headers: from })).status).toBe(200);
  });
});

describe('forgets with the user', () => {
  const tries = (token: string, username: string) =>
    call('PUT', '/users/me/credentials', {
      token,
      headers: elsewhere(),
      body: { username, password: PASSWORD },
    });

  it('what stood for whoever has no username (S50)', async () => {
    await register('forgetTaken');
    const { uid, accessToken: token } = await vouchedFor('forgets-number');
    expect((await tries(token, 'forgetTaken')).status).toBe(409);
    expect(await tablesOf(stubOf(`#${uid}`))).not.toEqual([]);
    expect((await call('DELETE', '/users/me', { token, headers: elsewhere() })).status).toBe(200);
    expect(await tablesOf(stubOf(`#${uid}`))).toEqual([]);
  });

  it('what stood for them before they had a username, and after (S50)', async () => {
    await register('forgetTaken2');
    const { uid, accessToken: token } = await vouchedFor('forgets-both');
    expect((await tries(token, 'forgetTaken2')).status).toBe(409);
    expect((await tries(token, 'forgetsBoth')).status).toBe(200);
    await until(async () => (await knownAt('forgetsboth')) === 1);
    await until(async () => (await knownAt(`#${uid}`)) === 1);
    await login('forgetsBoth', 'not the password');
    const headers = { ...elsewhere(), ...basic('forgetsBoth', PASSWORD) };
    expect((await call('DELETE', '/users/me', { headers })).status).toBe(200);
    for (const subject of [`#${uid}`, 'forgetsboth']) expect(await tablesOf(stubOf(subject))).toEqual([]);
  });

  it('and leaves what others are counted by', async () => {
    await register('staysCounted');
    await login('staysCounted', 'not the password');
    const user = await signIn('forgets-nobody-else');
    await call('DELETE', '/users/me', { token: user.accessToken, headers: elsewhere() });
    expect(await tablesOf(stubOf('stayscounted'))).not.toEqual([]);
  });
});
