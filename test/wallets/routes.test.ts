import { env } from 'cloudflare:workers';
import { SiweMessage } from 'siwe';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { call, claimsOf, keys, ORIGIN, signIn, trips } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import {
  askNonce,
  DOMAIN,
  elsewhere,
  messageOf,
  newWallet,
  nonceFor,
  prove,
  signInBy,
  verify,
} from '../support/wallets.ts';

afterEach(() => {
  vi.useRealTimers();
});

const refused = { status: 400, body: { code: 'invalid_wallet_proof' } };
const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
const accountsOf = async (address: string) => {
  const query = "SELECT count(*) AS n FROM locators WHERE type = 'wallet' AND value = ?";
  return (await env.DB.prepare(query).bind(address.toLowerCase()).first<{ n: number }>())?.n;
};

describe('works', () => {
  it('gives a whole message for an address, and a device session for its signature', async () => {
    const wallet = newWallet();
    const asked = await askNonce({ walletAddress: wallet.address.toLowerCase() });
    expect(asked.status).toBe(200);
    expect(trips(asked)).toEqual([0, 1]);
    const { nonce, message } = asked.body;
    expect(Number.isSafeInteger(nonce) && nonce >= 1e7).toBe(true);
    expect(new SiweMessage(message)).toMatchObject({
      domain: DOMAIN,
      address: wallet.address,
      uri: ORIGIN,
      version: '1',
      chainId: 1,
      nonce: String(nonce),
    });
    const { issuedAt, expirationTime } = new SiweMessage(message);
    expect(Date.parse(expirationTime ?? '') - Date.parse(issuedAt ?? '')).toBe(300_000);

    const first = await prove(wallet, message);
    expect(first).toMatchObject({
      status: 200,
      body: { token: expect.any(String), refreshToken: expect.any(String) },
    });
    expect(Object.keys(first.body)).toEqual(['token', 'refreshToken', 'expiresAt']);
    const { exp, sub } = claimsOf(first.body.token) as { exp: number; sub: string };
    expect(Math.floor(Date.parse(first.body.expiresAt) / 1000)).toBe(exp);
    expect(trips(first)).toEqual([2, 2]);

    const again = await prove(wallet, (await nonceFor(wallet)).message);
    expect(trips(again)).toEqual([1, 2]);
    expect(claimsOf(again.body.token).sub).toBe(sub);
  });

  it('takes messages of viem and of siwe, with and without what is optional', async () => {
    const wallet = newWallet();
    const soon = new Date(Date.now() + 60_000);
    for (const changes of [
      {},
      {
        statement: 'I accept the terms.',
        scheme: 'http',
        requestId: 'a1',
        resources: ['https://a.example/b'],
      },
      { expirationTime: soon, notBefore: new Date(Date.now() - 60_000), uri: ORIGIN },
    ]) {
      const { nonce } = await nonceFor(wallet);
      expect((await prove(wallet, messageOf(wallet, nonce, changes))).status).toBe(200);
      const fields = { domain: DOMAIN, address: wallet.address, uri: ORIGIN, version: '1', chainId: 1 };
      const texts = {
        ...('statement' in changes ? { statement: changes.statement, resources: changes.resources } : {}),
        ...('notBefore' in changes ? { notBefore: changes.notBefore.toISOString() } : {}),
      };
      const other = await nonceFor(wallet);
      const siwe = new SiweMessage({ ...fields, ...texts, nonce: other.nonce });
      expect((await prove(wallet, siwe.prepareMessage())).status).toBe(200);
    }
  });

  it('takes an empty statement, which siwe writes as an empty line', async () => {
    const wallet = newWallet();
    const { nonce } = await nonceFor(wallet);
    const fields = { domain: DOMAIN, address: wallet.address, uri: ORIGIN, version: '1', chainId: 1, nonce };
    const message = new SiweMessage({ ...fields, statement: '' }).prepareMessage();
    expect((await prove(wallet, message)).status).toBe(200);
  });

  it('takes the plain challenge, for whichever wallet signs it', async () => {
    const { status, body } = await askNonce({ walletAddress: '', chainId: '' });
    expect(status).toBe(200);
    expect(body.message).toContain(DOMAIN);
    expect(body.message).toContain(String(body.nonce));
    const [, expires = ''] = /Expires: (.*)$/.exec(body.message) ?? [];
    expect(Math.abs(Date.parse(expires) - Date.now() - 300_000)).toBeLessThan(5_000);
    expect((await prove(newWallet(), body.message)).status).toBe(200);
  });

  it('takes a whole message with a nonce that names no wallet', async () => {
    const wallet = newWallet();
    const { nonce } = (await askNonce()).body;
    expect((await prove(wallet, messageOf(wallet, String(nonce)))).status).toBe(200);
  });

  it('takes another chain where the nonce was issued for it: the same key, the same user', async () => {
    const wallet = newWallet();
    const { userId } = await signInBy(wallet);
    const { message } = await nonceFor(wallet, { chainId: '8453' });
    expect(message).toContain('Chain ID: 8453\n');
    const { body } = await prove(wallet, message);
    expect(claimsOf(body.token).sub).toBe(userId);
  });

  it('opens a session like any other: verified, listed, refreshed, signed out', async () => {
    const { accessToken: token, refreshToken, userId } = await signInBy(newWallet());
    expect((await call('GET', '/api/v5/sessions', { token })).status).toBe(200);
    expect((await call('GET', '/users/me/devices', { token })).body).toHaveLength(1);
    expect((await call('POST', '/api/v5/sessions/refresh', { body: { refreshToken } })).status).toBe(200);
    expect((await call('DELETE', '/api/v5/sessions', { token })).status).toBe(200);
    expect((await call('GET', '/api/v5/sessions', { token })).status).toBe(401);
    expect(userId).toMatch(/^[\w-]{36}$/);
  });

  it('S27 knows one wallet in every spelling of its address', async () => {
    const wallet = newWallet();
    const { userId } = await signInBy(wallet);
    const lower = wallet.address.toLowerCase();
    const { body } = await askNonce({ walletAddress: lower });
    const signature = await wallet.signMessage({ message: body.message });
    const mixed = await verify({ walletAddress: lower, message: body.message, signature });
    expect(claimsOf(mixed.body.token).sub).toBe(userId);
    const message = messageOf(wallet, (await nonceFor(wallet)).nonce).replace(wallet.address, lower);
    expect(claimsOf((await prove(wallet, message)).body.token).sub).toBe(userId);
    const capitals = `0x${wallet.address.slice(2).toUpperCase()}`;
    const loud = messageOf(wallet, (await nonceFor({ address: capitals })).nonce).replace(
      wallet.address,
      capitals,
    );
    expect(claimsOf((await prove(wallet, loud)).body.token).sub).toBe(userId);
    expect(await accountsOf(wallet.address)).toBe(1);
  });

  it('S27 makes one user of 50 parallel first proofs', async () => {
    const wallet = newWallet();
    const challenges = await Promise.all(Array.from({ length: 50 }, () => nonceFor(wallet)));
    const answers = await Promise.all(challenges.map(({ message }) => prove(wallet, message)));
    expect(answers.map(answer => answer.status)).toEqual(Array(50).fill(200));
    expect(new Set(answers.map(answer => claimsOf(answer.body.token).uid)).size).toBe(1);
    expect(await accountsOf(wallet.address)).toBe(1);
    const orphans = await env.DB.prepare(
      'SELECT count(*) AS n FROM users WHERE id NOT IN (SELECT uid FROM locators) AND entry = ?',
    )
      .bind('closed')
      .first();
    expect(orphans).toEqual({ n: 0 });
  });
});

describe('refuses', () => {
  it.each([
    ['walletAddress=0x12'],
    ['walletAddress=vitalik.eth'],
    ['walletAddress=0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96046'],
    ['chainId=0'],
    ['chainId=01'],
    ['chainId=-1'],
    ['chainId=1e3'],
    ['chainId=9999999999999999'],
  ])('a nonce for %s with 400', async query => {
    const answer = await call('GET', `/wallet-proof/nonce?${query}`, { headers: elsewhere() });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
  });

  it('the plain challenge where it is off, also one that was issued while it was on', async () => {
    const strict = deployedWith({ PLAIN_WALLET_CHALLENGE: 'off' });
    expect((await askNonce({}, strict)).status).toBe(400);
    const { body } = await askNonce();
    expect(await prove(newWallet(), body.message, strict)).toMatchObject(refused);
  });

  it.each(['', '?chain=', '?chain=ethereum', '?chain=Solana', '?chain=__proto__'])(
    'chain %j',
    async query => {
      const wallet = newWallet();
      const { message } = await nonceFor(wallet);
      const signature = await wallet.signMessage({ message });
      const answer = await verify({ walletAddress: wallet.address, message, signature }, call, query);
      expect(answer.status).toBe(400);
    },
  );

  it('bodies of another form, and signatures over 8 KiB', async () => {
    const wallet = newWallet();
    const { message } = await nonceFor(wallet);
    const signature = await wallet.signMessage({ message });
    const body = { walletAddress: wallet.address, message, signature };
    for (const change of [
      { walletAddress: 'x' },
      { walletAddress: null },
      { message: 7 },
      { message: 'x'.repeat(4097) },
      { signature: '' },
      { signature: '0x' },
      { signature: '0x123' },
      { signature: `0x${'00'.repeat(4096)}` },
    ]) {
      expect(await verify({ ...body, ...change })).toMatchObject({
        status: 400,
        body: { code: 'invalid_input' },
      });
    }
    expect((await verify(body)).status).toBe(200);
  });

  it.each([
    ['of no known form', '0x1234'],
    ['of zeros', `0x${'00'.repeat(65)}`],
    ['with an impossible parity', `0x${'11'.repeat(64)}1d`],
    ['of another message', undefined],
  ])('a signature %s, and spends the nonce', async (_, given) => {
    const wallet = newWallet();
    const { message } = await nonceFor(wallet);
    const signature = given ?? (await wallet.signMessage({ message: `${message} ` }));
    expect(await verify({ walletAddress: wallet.address, message, signature })).toMatchObject(refused);
    expect(await prove(wallet, message)).toMatchObject(refused);
  });

  it('S25 a second use, one after five minutes, and a nonce that was never issued', async () => {
    const wallet = newWallet();
    const { message, nonce } = await nonceFor(wallet);
    expect((await prove(wallet, message)).status).toBe(200);
    expect(await prove(wallet, message)).toMatchObject(refused);
    expect(await prove(wallet, messageOf(wallet, nonce))).toMatchObject(refused);
    expect(await prove(wallet, messageOf(wallet, '123456789'))).toMatchObject(refused);
    const slow = (await nonceFor(wallet)).nonce;
    const plain = (await askNonce()).body.message;
    later(300_000);
    expect(await prove(wallet, messageOf(wallet, slow))).toMatchObject(refused);
    expect(await prove(wallet, plain)).toMatchObject(refused);
  });

  it('S25 49 of 50 parallel uses', async () => {
    const wallet = newWallet();
    const { message } = await nonceFor(wallet);
    const answers = await Promise.all(Array.from({ length: 50 }, () => prove(wallet, message)));
    expect(answers.filter(answer => answer.status === 200)).toHaveLength(1);
    expect(answers.filter(answer => answer.status === 400)).toHaveLength(49);
  });

  it('S26 another domain, uri, version, chain or time, each with its nonce spent', async () => {
    const wallet = newWallet();
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
    for (const changes of [
      { domain: 'evil.example' },
      { domain: 'localhost' },
      { domain: 'localhost.evil.example' },
      { domain: 'localhost:8788' },
      { scheme: 'https' },
      { uri: 'https://evil.example/' },
      { uri: `http://${DOMAIN}@evil.example/` },
      { uri: `http://evil@${DOMAIN}/` },
      { uri: `https://${DOMAIN}/` },
      { uri: 'urn:usher' },
      { chainId: 5 },
      { issuedAt: ago(60) },
      { issuedAt: ago(-301) },
      { expirationTime: ago(1) },
      { notBefore: ago(-60) },
    ]) {
      const { nonce } = await nonceFor(wallet);
      const message = messageOf(wallet, nonce, changes);
      expect({ changes, ...(await prove(wallet, message)) }).toMatchObject({ changes, ...refused });
      expect(await prove(wallet, messageOf(wallet, nonce))).toMatchObject(refused);
    }
  });
});

describe('keeps out', () => {
  it('who signs with another key than that of the wallet they name', async () => {
    const [victim, thief] = [newWallet(), newWallet()];
    const { message } = await nonceFor(victim);
    const signature = await thief.signMessage({ message });
    expect(await verify({ walletAddress: victim.address, message, signature })).toMatchObject(refused);
    const second = await nonceFor(victim);
    const theirs = await thief.signMessage({ message: second.message });
    expect(
      await verify({ walletAddress: thief.address, message: second.message, signature: theirs }),
    ).toMatchObject(refused);
    const third = messageOf(thief, (await nonceFor(victim)).nonce);
    expect(await prove(thief, third)).toMatchObject(refused);
    const fourth = messageOf(victim, (await nonceFor(thief)).nonce);
    expect(await prove(thief, fourth)).toMatchObject(refused);
    expect(await accountsOf(victim.address)).toBe(0);
  });

  it('a message the wallet signed for another site, whatever Host says', async () => {
    const wallet = newWallet();
    const { nonce } = await nonceFor(wallet);
    const message = messageOf(wallet, nonce, { domain: 'evil.example', uri: 'http://evil.example/login' });
    const signature = await wallet.signMessage({ message });
    const answer = await call('POST', '/wallet-proof/verify?chain=Ethereum', {
      body: { walletAddress: wallet.address, message, signature },
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example', ...elsewhere() },
    });
    expect(answer).toMatchObject(refused);
    const asked = await call('GET', `/wallet-proof/nonce?walletAddress=${wallet.address}`, {
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example', ...elsewhere() },
    });
    expect(asked.body.message).not.toContain('evil');
  });

  it('the plain challenge with a word changed, or for a nonce that names a wallet', async () => {
    const wallet = newWallet();
    const { body } = await askNonce();
    const message = body.message.replace('asks you', 'tells you');
    expect(await prove(wallet, message)).toMatchObject(refused);
    expect(await prove(wallet, body.message)).toMatchObject(refused);
    const other = (await askNonce()).body;
    const named = await nonceFor(wallet);
    const { expirationTime } = new SiweMessage(named.message);
    const plain = other.message
      .replace(String(other.nonce), named.nonce)
      .replace(/Expires: .*/, `Expires: ${expirationTime}`);
    expect(await prove(wallet, plain)).toMatchObject(refused);
  });

  it('a banned user (401), until the ban is lifted', async () => {
    const wallet = newWallet();
    const { userId, accessToken } = await signInBy(wallet);
    const headers = { 'x-server-key': keys.secretKey };
    await call('PUT', `/v1/users/${userId}/ban`, { headers, body: {} });
    const answer = await prove(wallet, (await nonceFor(wallet)).message);
    expect(answer).toMatchObject({ status: 401, body: { code: 'sign_in_refused' } });
    expect((await call('GET', '/api/v5/sessions', { token: accessToken })).status).toBe(401);
    await call('DELETE', `/v1/users/${userId}/ban`, { headers });
    expect((await prove(wallet, (await nonceFor(wallet)).message)).status).toBe(200);
  });

  it('S23 whoever names the userId of a wallet, before and after', async () => {
    const { userId } = await signInBy(newWallet());
    await expect(signIn(userId)).rejects.toThrow('401');
  });

  it('who asks too often from one address', async () => {
    const headers = { 'cf-connecting-ip': '192.0.2.77' };
    const production = deployedWith({ ENVIRONMENT: 'production', PUBLIC_URL: 'https://usher.example' });
    const ask = () =>
      production('GET', `/wallet-proof/nonce?walletAddress=${newWallet().address}`, { headers });
    const answers = await Promise.all(Array.from({ length: 61 }, ask));
    expect(answers.filter(answer => answer.status === 200)).toHaveLength(60);
    const over = answers.find(answer => answer.status === 429);
    expect(over?.headers.get('retry-after')).toBe('60');
    const verifying = await production('POST', '/wallet-proof/verify?chain=Ethereum', { headers, body: {} });
    expect(verifying.status).toBe(429);
  });
});
