/** S53, the account key: one secret that restores an account, seen and removed by its owner, and worth nothing after a change. */
import { describe, expect, it } from 'vitest';
import { type Account, basic, login, loginAs, me, PASSWORD, register } from '../support/accounts.ts';
import { call, elsewhere } from '../support/client.ts';

const OURS = 'the owner keeps this in a drawer';
const THEIRS = 'the thief wrote this on a napkin';
const NEXT = 'another battery';
const LAST = 'the third battery';

const put = ({ accessToken: token }: Account, path: string, body: unknown) =>
  call('PUT', `/users/me/${path}`, { token, body, headers: elsewhere() });
const setKey = (user: Account, accountKey: string, password = PASSWORD) =>
  put(user, 'setAccountKey', { password, accountKey });
const removeKey = ({ accessToken: token }: Account, password: string) =>
  call('DELETE', '/users/me/accountKey', { token, body: { password }, headers: elsewhere() });
const reset = ({ uid: userId }: Account, accountKey: string, newPassword: string, more = {}) =>
  call('PUT', '/users/resetPassword', {
    body: { userId, accountKey, newPassword, ...more },
    headers: elsewhere(),
  });
const setAt = async (user: Account) => (await me(user)).body.accountKeySetAt;

describe('works', () => {
  it('shows its owner since when there is one, and removes it with the password', async () => {
    const user = await register('keyOwner1');
    expect(await setAt(user)).toBe(null);
    const before = Date.now();
    expect((await setKey(user, OURS)).status).toBe(200);
    expect(Date.parse(await setAt(user))).toBeGreaterThanOrEqual(before);
    const removed = await removeKey(user, PASSWORD);
    expect([removed.status, removed.body]).toEqual([200, '']);
    expect(await setAt(user)).toBe(null);
    expect((await reset(user, OURS, NEXT)).status).toBe(403);
    expect((await removeKey(user, PASSWORD)).status).toBe(200);
  });

  it('comes along with a change of the password', async () => {
    const user = await register('keyOwner2');
    await setKey(user, THEIRS);
    const change = { oldPassword: PASSWORD, newPassword: NEXT, accountKey: OURS };
    expect((await put(user, 'changePassword', change)).status).toBe(200);
    expect(await setAt(user)).toBeTypeOf('string');
    expect((await reset(user, THEIRS, LAST)).status).toBe(403);
    expect((await reset(user, OURS, LAST)).status).toBe(200);
    expect((await login('keyOwner2', LAST)).status).toBe(200);
  });

  it('comes along with a reset, beside the one that is spent', async () => {
    const user = await register('keyOwner3');
    await setKey(user, OURS);
    const next = 'the drawer is another one now';
    expect((await reset(user, OURS, NEXT, { newAccountKey: next })).status).toBe(200);
    expect((await reset(user, OURS, LAST)).status).toBe(403);
    expect((await reset(user, next, LAST)).status).toBe(200);
  });
});

describe('refuses', () => {
  it.each([
    'k'.repeat(25),
    ' '.repeat(25),
    '1234567890123456789012345',
    'passwordpasswordpassword1',
    `${PASSWORD}\u0000${PASSWORD}`,
    'too short',
  ])('the weak key %j wherever one is set', async weak => {
    const user = await register(`weak${crypto.randomUUID().slice(0, 8)}`);
    const faulty = { status: 400, body: { code: 'invalid_input' } };
    expect(await setKey(user, weak)).toMatchObject(faulty);
    const change = { oldPassword: PASSWORD, newPassword: NEXT, accountKey: weak };
    expect(await put(user, 'changePassword', change)).toMatchObject(faulty);
    await setKey(user, OURS);
    expect(await reset(user, OURS, NEXT, { newAccountKey: weak })).toMatchObject(faulty);
    expect((await login(user.username, PASSWORD)).status).toBe(200);
  });

  it('the key that is spent as the next one', async () => {
    const user = await register('keySpent1');
    await setKey(user, OURS);
    const answer = await reset(user, OURS, NEXT, { newAccountKey: OURS });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'newAccountKey' }] } });
  });

  it('U+0000 in a password, where it is set and where it is tried', async () => {
    const faulty = { status: 400, body: { code: 'invalid_input' } };
    const body = { name: 'x', username: 'zeroByte1', password: `${PASSWORD}\u0000` };
    expect(await call('POST', '/users', { headers: elsewhere(), body })).toMatchObject(faulty);
    const user = await register('zeroByte2');
    const padded = `${PASSWORD}\u0000\u0000`;
    expect(await put(user, 'changePassword', { oldPassword: padded, newPassword: NEXT })).toMatchObject(
      faulty,
    );
    expect(await setKey(user, OURS, padded)).toMatchObject(faulty);
    expect([400, 401]).toContain((await login('zeroByte2', padded)).status);
    const erased = await call('DELETE', '/users/me', {
      headers: { ...elsewhere(), ...basic('zeroByte2', padded) },
    });
    expect([400, 401]).toContain(erased.status);
    expect((await me(user)).status).toBe(200);
  });
});

describe('keeps out', () => {
  it('a thief who planted a key, once the owner changes the password', async () => {
    const owner = await register('planted01');
    const thief = await loginAs('planted01');
    expect((await setKey(thief, THEIRS)).status).toBe(200);
    expect((await put(owner, 'changePassword', { oldPassword: PASSWORD, newPassword: NEXT })).status).toBe(
      200,
    );
    expect((await me(thief)).status).toBe(401);
    expect(await reset(owner, THEIRS, LAST)).toMatchObject({
      status: 403,
      body: { code: 'wrong_account_key' },
    });
    expect(await setAt(owner)).toBe(null);
    expect((await login('planted01', NEXT)).status).toBe(200);
  });

  it('a second use of a key that reset the password', async () => {
    const user = await register('spentKey1');
    await setKey(user, OURS);
    expect((await reset(user, OURS, NEXT)).status).toBe(200);
    expect((await reset(user, OURS, LAST)).status).toBe(403);
    expect(await setAt(await loginAs('spentKey1', NEXT))).toBe(null);
  });

  it('one of two resets by the same key at once', async () => {
    const user = await register('spentKey2');
    await setKey(user, OURS);
    const answers = await Promise.all([reset(user, OURS, NEXT), reset(user, OURS, LAST)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  });

  it('the removal of a key without the password, or another user', async () => {
    const user = await register('keyKept01');
    await setKey(user, OURS);
    expect(await removeKey(user, 'wrong')).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
    expect((await call('DELETE', '/users/me/accountKey', { body: { password: PASSWORD } })).status).toBe(401);
    expect(await setAt(user)).toBeTypeOf('string');
  });
});
