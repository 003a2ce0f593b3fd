/** S55: a wallet that leaves its user takes along the device sessions that rest on it, and the live sessions hear of it. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LiveSession } from '../../src/live-sessions/object/live-session.ts';
import { call, joinAs, keys, openRoom, type SignedIn, signIn } from '../support/client.ts';
import { earlierDeviceSessions, putState, rowsOf } from '../support/object-fixtures.ts';
import { deviceObject, deviceStub, keyRing, recordOf } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { elsewhere, newWallet, nonceFor, signInBy } from '../support/wallets.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

type Signer = ReturnType<typeof newWallet>;

const headers = { 'x-server-key': keys.secretKey };
const verify = async (token: string) => (await call('GET', '/api/v5/sessions', { token })).status;
const refresh = async (refreshToken: string) =>
  (await call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } })).status;

async function change(method: 'POST' | 'DELETE', user: SignedIn, wallet: Signer): Promise<number> {
  const { message } = await nonceFor(wallet);
  const signature = await wallet.signMessage({ message });
  const body = { '@type': 'wallet', walletAddress: wallet.address, message, signature };
  const path = '/v1/users/me/locators';
  return (await call(method, path, { token: user.accessToken, body, headers: elsewhere() })).status;
}

/** A user signed in by each of two wallets of theirs. */
async function withTwoWallets() {
  const [first, second] = [newWallet(), newWallet()];
  const byFirst = await signInBy(first);
  expect(await change('POST', byFirst, second)).toBe(200);
  return { first, second, byFirst, bySecond: await signInBy(second) };
}

/** What live sessions are told of changed wallets, from now on. */
const listen = () => vi.spyOn(LiveSession.prototype, 'walletsChanged');

describe('works', () => {
  it('lets a device session go on whose wallet stays, or that rests on something else', async () => {
    const { first, byFirst, bySecond } = await withTwoWallets();
    expect(await change('DELETE', bySecond, first)).toBe(200);
    expect(await verify(bySecond.accessToken)).toBe(200);
    expect(await refresh(bySecond.refreshToken)).toBe(200);
    expect(await verify(byFirst.accessToken)).toBe(401);
  });

  it('tells every live session the user is noted in, once for each change', async () => {
    const { first, bySecond } = await withTwoWallets();
    const room = await openRoom(await signIn('wallets-host'));
    await joinAs(bySecond, room);
    const own = await openRoom(bySecond);
    const told = listen();
    await change('DELETE', bySecond, first);
    expect(told).toHaveBeenCalledTimes(2);
    const [subject, news] = told.mock.calls[0] ?? [];
    expect(subject).toBe(String(bySecond.uid));
    expect(news).toMatchObject({ wallets: [expect.not.stringContaining(first.address.toLowerCase())] });
    expect(own.sessionId).not.toBe(room.sessionId);
    told.mockClear();
    await call('PUT', '/users/me', { token: bySecond.accessToken, body: { about: 'no wallet' } });
    expect(told).not.toHaveBeenCalled();
  });
});

describe('refuses', () => {
  it('the device session that removed its own wallet, once that was answered', async () => {
    const { first, byFirst } = await withTwoWallets();
    expect(await change('DELETE', byFirst, first)).toBe(200);
    expect(await verify(byFirst.accessToken)).toBe(401);
    expect(await refresh(byFirst.refreshToken)).toBe(401);
  });

  it('the members it joined by, whose rooms hear of the end', async () => {
    const { first, byFirst, bySecond } = await withTwoWallets();
    const room = await openRoom(await signIn('wallet-end-host'));
    const member = await joinAs(byFirst, room);
    await change('DELETE', bySecond, first);
    expect((await call('GET', '/session/current', { token: member })).status).toBe(401);
  });

  it('a wallet a secret key removed', async () => {
    const wallet = newWallet();
    const user = await signInBy(wallet);
    const path = `/v1/users/${user.userId}/locators`;
    const { body } = await call('GET', path, { headers });
    const [locator] = body as { userLocatorId: string }[];
    const answer = await call('DELETE', `${path}/${locator?.userLocatorId}`, { headers });
    expect(answer.status).toBe(200);
    expect(await verify(user.accessToken)).toBe(401);
  });
});

describe('keeps out', () => {
  it('who signed in while the news of the removal was held back', async () => {
    const { first, byFirst, bySecond } = await withTwoWallets();
    await env.DB.batch([
      env.DB.prepare('DELETE FROM locators WHERE uid = ? AND value = ?').bind(
        byFirst.uid,
        first.address.toLowerCase(),
      ),
      env.DB.prepare('UPDATE users SET version = version + 1 WHERE id = ?').bind(byFirst.uid),
    ]);
    expect(await verify(byFirst.accessToken)).toBe(200);
    // Any sign-in brings the news.
    const { body } = await call('POST', '/api/v4/authentication/token', {
      headers,
      body: { userId: byFirst.userId },
    });
    expect(body).toMatch(/\./);
    expect(await verify(byFirst.accessToken)).toBe(401);
    expect(await verify(bySecond.accessToken)).toBe(200);
  });

  it('a wallet that an earlier release stored by its address, once no wallet of that address is left', async () => {
    const user = await signIn('stored-wallet');
    const session = {
      id: user.sid,
      deviceId: 'd',
      openedBy: 'wallet',
      proof: 'wallet',
      wallet: '0xabc',
      accessJti: 'a',
      refreshJti: 'r',
      kid: keyRing.signerKid,
    } as const;
    const record = { ...recordOf(user), wallets: ['0xabc'] };
    await putState(
      deviceStub(user.uid),
      earlierDeviceSessions('before_steps', { record, sessions: [session] }),
    );
    const object = deviceObject(user.uid);
    await object.takeCopy({ ...record, version: 2, wallets: ['5:0xabc'] });
    expect(await rowsOf(deviceStub(user.uid), 'sessions')).toHaveLength(1);
    await object.takeCopy({ ...record, version: 3, wallets: ['5:0xabcd'] });
    expect(await rowsOf(deviceStub(user.uid), 'sessions')).toHaveLength(0);
  });

  it('an older message where a later one was written, and tells again a room that did not hear', async () => {
    const { second, byFirst } = await withTwoWallets();
    const room = await openRoom(byFirst);
    const told = listen().mockImplementationOnce(() => {
      throw new Error('away');
    });
    expect(await change('DELETE', byFirst, second)).toBe(503);
    const [waiting] = await rowsOf(deviceStub(byFirst.uid), 'outbox');
    expect(waiting).toMatchObject({ targetId: room.sessionId, key: 'wallets', attempts: 1 });
    expect(await change('POST', byFirst, newWallet())).toBe(200);
    await until(async () => (await rowsOf(deviceStub(byFirst.uid), 'outbox')).length === 0);
    const versions = told.mock.calls.map(([, { version }]) => version);
    expect(versions).toHaveLength(2);
    expect(versions[1]).toBeGreaterThan(versions[0] ?? 0);
  });
});
