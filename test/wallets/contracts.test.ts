/** Contract wallets (ERC-1271, ERC-6492): through the configured RPC, and nothing else. */
import { createPublicClient, custom, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import { claimsOf } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { until } from '../support/until.ts';
import { askNonce, messageOf, newWallet, nonceFor, prove, verify } from '../support/wallets.ts';

const refused = { status: 400, body: { code: 'invalid_wallet_proof' } };

/** A signature as a Safe of two owners gives it: no key could have made it. */
const signature: Hex = `0x${'5a'.repeat(130)}`;
const contract = () => newWallet();

const rpc = (manner: string, test: string = crypto.randomUUID()) => ({
  send: deployedWith({ ETHEREUM_RPC_URL: `http://rpc.test/${manner}/${test}` }),
  asked: async () =>
    (await (await fetch(`http://rpc.test/log/${test}`)).json()) as { method: string; params: unknown[] }[],
});

const strays = async () => (await fetch('http://rpc.test/strays')).json();

async function proveBy(
  { address }: { address: string },
  send: ReturnType<typeof deployedWith>,
  query: Record<string, string> = {},
  given: string = signature,
) {
  const { message } = await nonceFor({ address }, query);
  return verify({ walletAddress: address, message, signature: given }, send);
}

describe('works', () => {
  it.each(['accepts', 'accepts-short'])('signs in whom its contract %s', async manner => {
    const wallet = contract();
    const { send } = rpc(manner);
    const first = await proveBy(wallet, send);
    expect(first.status).toBe(200);
    const again = await proveBy(wallet, send);
    expect(claimsOf(again.body.token).sub).toBe(claimsOf(first.body.token).sub);
  });

  it('asks what viem would ask', async () => {
    const wallet = contract();
    const { send, asked } = rpc('accepts');
    const { message } = await nonceFor(wallet);
    await verify({ walletAddress: wallet.address, message, signature }, send);
    const calls: unknown[] = [];
    const transport = custom({
      request: async call => {
        calls.push(call);
        return `0x${'1'.padStart(64, '0')}`;
      },
    });
    const client = createPublicClient({ transport });
    expect(await client.verifyMessage({ address: wallet.address, message, signature })).toBe(true);
    const call = (await asked()).find(({ method }) => method === 'eth_call');
    expect(call).toMatchObject(calls[0] as object);
  });

  it('asks nobody where a key has signed', async () => {
    const wallet = newWallet();
    const { send, asked } = rpc('refuses');
    const { message } = await nonceFor(wallet);
    expect((await prove(wallet, message, send)).status).toBe(200);
    expect(await asked()).toEqual([]);
  });

  it('tells a contract from the key of the same address', async () => {
    const wallet = newWallet();
    const { send } = rpc('accepts');
    const byContract = await proveBy(wallet, send);
    const byKey = await prove(wallet, (await nonceFor(wallet)).message, send);
    expect(claimsOf(byKey.body.token).uid).not.toBe(claimsOf(byContract.body.token).uid);
  });
});

describe('refuses', () => {
  it.each([
    'refuses',
    'says-two',
    'says-much',
    'says-nothing',
    'says-true',
    'reverts',
    'fails',
    'no-json',
    'null',
    'redirects',
    'other-chain',
    'unknown',
  ])('an RPC that: %s', async manner => {
    const wallet = contract();
    const { send, asked } = rpc(manner);
    const { message } = await nonceFor(wallet);
    expect(await verify({ walletAddress: wallet.address, message, signature }, send)).toMatchObject(refused);
    // One of the two may fail before the other has arrived.
    await until(async () => (await asked()).length === 2);
    expect((await asked()).map(({ method }) => method).sort()).toEqual(['eth_call', 'eth_chainId']);
    const again = rpc('accepts');
    expect(await verify({ walletAddress: wallet.address, message, signature }, again.send)).toMatchObject(
      refused,
    );
  });

  it.concurrent.each(['hangs', 'hangs-halfway'])('an RPC that %s, after five seconds', async manner => {
    const startedAt = performance.now();
    expect(await proveBy(contract(), rpc(manner).send)).toMatchObject(refused);
    const waited = performance.now() - startedAt;
    expect(waited).toBeGreaterThan(4_500);
    expect(waited).toBeLessThan(9_000);
  });

  it('another chain than that of the RPC', async () => {
    expect(await proveBy(contract(), rpc('accepts').send, { chainId: '10' })).toMatchObject(refused);
  });
});

describe('keeps out', () => {
  it('contracts where no RPC is set', async () => {
    expect(await proveBy(contract(), deployedWith({}))).toMatchObject(refused);
  });

  it('questions to the RPC before the nonce, the message and the wallet hold', async () => {
    const { send, asked } = rpc('accepts');
    const [wallet, other] = [contract(), contract()];
    const { nonce, message } = await nonceFor(wallet);
    const bodies = [
      { walletAddress: wallet.address, message: messageOf(wallet, '1234567890'), signature },
      {
        walletAddress: wallet.address,
        message: messageOf(wallet, nonce, { domain: 'evil.example' }),
        signature,
      },
      { walletAddress: wallet.address, message, signature },
      { walletAddress: wallet.address, message: (await nonceFor(other)).message, signature },
      { walletAddress: other.address, message: `${(await askNonce()).body.message} `, signature },
    ];
    for (const body of bodies) expect(await verify(body, send)).toMatchObject(refused);
    expect(await asked()).toEqual([]);
  });

  it('S25 every request but those to the RPC', async () => {
    const wallet = contract();
    const url = '68747470733a2f2f656c736577686572652e746573742f7b646174617d';
    const offchainLookup = `0x556f1830${'00'.repeat(64)}${url}`;
    await proveBy(wallet, rpc('redirects').send);
    await proveBy(wallet, rpc('accepts').send, {}, offchainLookup);
    await proveBy(wallet, deployedWith({}));
    expect(await strays()).toEqual([]);
  });
});
