/** A proven wallet in a live session: shown, let in by it, and kept out by it. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { call, join, joinAs, keys, openRoom, type SignedIn, signIn } from '../support/client.ts';
import { newWallet, signInBy } from '../support/wallets.ts';

const wallet = newWallet();
const address = wallet.address.toLowerCase();
let owner: SignedIn;

beforeEach(async () => {
  owner = await signInBy(wallet);
});

describe('works', () => {
  it('shows the address one creates a session with', async () => {
    const { status, body } = await call('POST', '/session', {
      key: keys.publishableKey,
      token: owner.accessToken,
      body: { identity: { chainAddress: wallet.address } },
    });
    expect(status).toBe(200);
    const seen = await call('GET', '/session/current', { token: body.credentials.token });
    expect(seen.body.users).toMatchObject([{ id: owner.userId, role: 'Host', address }]);
  });

  it('shows the address one joins with, and admits by the allow-list', async () => {
    const host = await signIn('lists-wallets');
    const room = await openRoom(host, { whiteListAddresses: [wallet.address] });
    const identity = { name: 'Owner', chainAddress: wallet.address };
    const { status, body } = await join(owner, room.sessionId, { identity });
    expect(status).toBe(200);
    expect(body.users).toContainEqual({ id: owner.userId, role: 'Client', name: 'Owner', address });
  });
});

describe('refuses', () => {
  it('a wallet somebody else has proven', async () => {
    const other = await signInBy(newWallet());
    const body = { identity: { chainAddress: address } };
    const created = await call('POST', '/session', {
      key: keys.publishableKey,
      token: other.accessToken,
      body,
    });
    expect(created).toMatchObject({ status: 403, body: { code: 'address_not_proven' } });
    const room = await openRoom(owner);
    expect(await join(other, room.sessionId, body)).toMatchObject({ status: 403 });
  });
});

describe('keeps out', () => {
  it('who has not proven a wallet of the allow-list', async () => {
    const room = await openRoom(await signIn('lists-others'), { whiteListAddresses: [address] });
    for (const outsider of [await signIn('without-wallet'), await signInBy(newWallet())]) {
      expect(await join(outsider, room.sessionId)).toMatchObject({
        status: 403,
        body: { code: 'address_not_allowed' },
      });
    }
    expect((await join(owner, room.sessionId)).status).toBe(200);
  });

  it('I2 a kicked wallet, on whichever account it comes back', async () => {
    const room = await openRoom(await signIn('kicks-wallets'));
    await joinAs(owner, room);
    const kicked = await call('POST', '/session/current/kick', {
      token: room.token,
      body: { userId: owner.userId },
    });
    expect(kicked.status).toBe(200);
    expect(await join(owner, room.sessionId)).toMatchObject({ status: 403, body: { code: 'member_kicked' } });
    await env.DB.prepare('DELETE FROM locators WHERE value = ?').bind(address).run();
    const reborn = await signInBy(wallet);
    expect(reborn.uid).not.toBe(owner.uid);
    expect(await join(reborn, room.sessionId)).toMatchObject({
      status: 403,
      body: { code: 'member_kicked' },
    });
    expect((await join(await signInBy(newWallet()), room.sessionId)).status).toBe(200);
  });
});
