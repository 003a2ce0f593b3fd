/** A user's own wallets: attached and removed by the wallet's proof, and by more than a token. */
import { env } from 'cloudflare:workers';
import type { PrivateKeyAccount } from 'viem/accounts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PASSWORD, register } from '../support/accounts.ts';
import { call, keys, type SignedIn, signIn } from '../support/client.ts';
import { deviceObject } from '../support/objects.ts';
import { elsewhere, newWallet, nonceFor, prove, signInBy } from '../support/wallets.ts';

afterEach(() => {
  vi.useRealTimers();
});

const asServer = { 'x-server-key': keys.secretKey };

async function proofOf(wallet: PrivateKeyAccount) {
  const { message } = await nonceFor(wallet);
  const signature = await wallet.signMessage({ message });
  return { '@type': 'wallet', walletAddress: wallet.address, message, signature };
}

const send = (method: string, user: Pick<SignedIn, 'accessToken'> | undefined, body: unknown) =>
  call(method, '/v1/users/me/locators', { token: user?.accessToken, body, headers: elsewhere() });
const attach = async (user: SignedIn, wallet: PrivateKeyAccount) => send('POST', user, await proofOf(wallet));
const remove = async (user: SignedIn, wallet: PrivateKeyAccount) =>
  send('DELETE', user, await proofOf(wallet));

const walletsOf = async ({ uid, sid }: SignedIn) => {
  const standing = await deviceObject(uid).standing({ sid, jti: '' });
  return standing.ok ? standing.value.record.wallets : null;
};

async function signInByAuthToken(userId: string): Promise<SignedIn> {
  const issued = await call('POST', '/api/v4/authentication/token', { headers: asServer, body: { userId } });
  const { body } = await call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: crypto.randomUUID(), authToken: issued.body },
  });
  const claims = JSON.parse(atob(body.accessToken.split('.')[1]));
  return { uid: claims.uid, userId, sid: claims.sid, accessToken: body.accessToken, refreshToken: '' };
}

describe('works', () => {
  it('attaches a second wallet, which then signs the same user in, and removes the first', async () => {
    const [first, second] = [newWallet(), newWallet()];
    const user = await signInBy(first);
    const { status, body } = await attach(user, second);
    const address = second.address.toLowerCase();
    expect(status).toBe(200);
    expect(body).toEqual({
      '@type': 'wallet',
      address,
      locator: `wallet:${address}`,
      userLocatorId: expect.any(String),
      verificationStatus: 'Verified',
    });
    expect((await walletsOf(user))?.sort()).toEqual([first.address.toLowerCase(), address].sort());
    const bySecond = await signInBy(second);
    expect(bySecond.uid).toBe(user.uid);
    expect((await attach(user, second)).body).toEqual(body);
    expect((await remove(user, first)).status).toBe(200);
    expect(await walletsOf(user)).toBe(null);
    expect(await walletsOf(bySecond)).toEqual([address]);
    expect((await signInBy(first)).uid).not.toBe(user.uid);
  });

  it('attaches to whom an authToken signed in', async () => {
    const user = await signInByAuthToken('vouched-for');
    const wallet = newWallet();
    expect((await attach(user, wallet)).status).toBe(200);
    expect((await signInBy(wallet)).userId).toBe('vouched-for');
  });
});

describe('refuses', () => {
  it("another user's wallet, on attaching (409) and on removing (404)", async () => {
    const theirs = newWallet();
    await signInBy(theirs);
    const user = await signInBy(newWallet());
    expect(await attach(user, theirs)).toMatchObject({
      status: 409,
      body: { errorCode: 'duplicate_entity' },
    });
    expect(await remove(user, theirs)).toMatchObject({ status: 404, body: { code: 'locator_not_found' } });
  });

  it('all but one of many who attach one wallet at once', async () => {
    const wallet = newWallet();
    const users = await Promise.all(Array.from({ length: 10 }, () => signInBy(newWallet())));
    const answers = await Promise.all(users.map(user => attach(user, wallet)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
    expect((await signInBy(wallet)).uid).toBe(users[answers.findIndex(({ status }) => status === 200)]?.uid);
  });

  it('the twenty-first', async () => {
    const user = await signInBy(newWallet());
    for (let index = 1; index < 20; index += 1) {
      expect((await attach(user, newWallet())).status).toBe(200);
    }
    expect(await attach(user, newWallet())).toMatchObject({
      status: 409,
      body: { code: 'too_many_locators' },
    });
  });

  it('proofs that prove nothing, and spends them', async () => {
    const user = await signInBy(newWallet());
    const [wallet, other] = [newWallet(), newWallet()];
    const { signature } = await proofOf(other);
    const proof = await proofOf(wallet);
    expect(await send('POST', user, { ...proof, signature })).toMatchObject({ status: 400 });
    expect(await send('POST', user, proof)).toMatchObject({ status: 400 });
    expect(await send('POST', user, { ...proof, '@type': 'email' })).toMatchObject({ status: 400 });
    expect(await walletsOf(user)).toHaveLength(1);
  });
});

describe('keeps out', () => {
  it('S23 who has a password and does not say it, or a wrong one', async () => {
    const user = await register('walletOwner1');
    const [wallet, another] = [newWallet(), newWallet()];
    const attachBy = async (by: SignedIn, own: PrivateKeyAccount, password?: string) =>
      send('POST', by, { ...(await proofOf(own)), password });
    expect(await attachBy(user, wallet)).toMatchObject({
      status: 403,
      body: { code: 'fresh_proof_required' },
    });
    expect(await attachBy(user, wallet, 'wrong one')).toMatchObject({
      status: 403,
      body: { code: 'wrong_password' },
    });
    expect((await attachBy(user, wallet, PASSWORD)).status).toBe(200);
    const thief = await signInBy(wallet);
    expect(thief.uid).toBe(user.uid);
    expect(await attachBy(thief, another)).toMatchObject({
      status: 403,
      body: { code: 'fresh_proof_required' },
    });
    expect((await attachBy(thief, another, PASSWORD)).status).toBe(200);
    const removal = { ...(await proofOf(another)), password: PASSWORD };
    expect((await send('DELETE', user, removal)).status).toBe(200);
  });

  it('S23 who was signed in by a bare userId, and leaves their entry as it was', async () => {
    const user = await signIn('merely-named');
    for (const method of ['POST', 'DELETE']) {
      const answer = await send(method, user, await proofOf(newWallet()));
      expect(answer).toMatchObject({ status: 403, body: { errorCode: 'fresh_proof_required' } });
    }
    expect((await signIn('merely-named')).uid).toBe(user.uid);
  });

  it('S23 a token older than five minutes, however it was refreshed', async () => {
    const wallet = newWallet();
    const user = await signInBy(wallet);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 301_000 });
    const { body } = await call('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: user.refreshToken },
    });
    for (const method of ['POST', 'DELETE']) {
      const answer = await send(method, { accessToken: body.accessToken }, await proofOf(newWallet()));
      expect(answer).toMatchObject({ status: 403, body: { code: 'fresh_proof_required' } });
    }
    expect((await attach(await signInBy(wallet), newWallet())).status).toBe(200);
  });

  it('S23 who was signed in by a wallet that has been removed since', async () => {
    const [kept, stolen] = [newWallet(), newWallet()];
    const owner = await signInBy(kept);
    await attach(owner, stolen);
    const thief = await signInBy(stolen);
    expect((await remove(owner, stolen)).status).toBe(200);
    expect(await attach(thief, newWallet())).toMatchObject({
      status: 401,
      body: { code: 'session_ended' },
    });
    expect((await attach(owner, newWallet())).status).toBe(200);
  });

  it('nobody, other credentials, the signed-out and the banned', async () => {
    const user = await signInBy(newWallet());
    const proof = await proofOf(newWallet());
    for (const method of ['POST', 'DELETE']) {
      expect((await send(method, undefined, proof)).status).toBe(401);
      expect((await send(method, { accessToken: user.refreshToken }, proof)).status).toBe(401);
      const path = '/v1/users/me/locators';
      const bySystem = { headers: { ...asServer, ...elsewhere() }, body: proof };
      expect(await call(method, path, bySystem)).toMatchObject({
        status: 400,
        body: { code: 'missing_context' },
      });
    }
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    const banned = await signInBy(newWallet());
    await call('PUT', `/v1/users/${banned.userId}/ban`, { headers: asServer, body: {} });
    for (const gone of [user, banned]) {
      expect((await send('POST', gone, proof)).status).toBe(401);
      expect((await send('DELETE', gone, proof)).status).toBe(401);
    }
  });

  it('a removed wallet from the account it was removed from', async () => {
    const [kept, removed] = [newWallet(), newWallet()];
    const user = await signInBy(kept);
    await attach(user, removed);
    const early = await nonceFor(removed);
    await remove(user, removed);
    await prove(removed, early.message);
    const owners = await env.DB.prepare('SELECT uid FROM locators WHERE value = ?')
      .bind(removed.address.toLowerCase())
      .all<{ uid: number }>();
    expect(owners.results.map(({ uid }) => uid)).not.toContain(user.uid);
  });
});
