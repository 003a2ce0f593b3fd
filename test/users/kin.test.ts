/** A wallet's former owners stay known in the record of who holds it, so that a bar on one of them goes with the wallet. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { eraseUser } from '../../src/erasure/service.ts';
import { attachWallet, detachWallet } from '../../src/locators/service.ts';
import { findOrMakeOwner, findUserOf } from '../../src/users/service.ts';
import { signIn } from '../support/client.ts';
import { depsWith } from '../support/deps.ts';
import { deviceObject } from '../support/objects.ts';
import { newWallet, signInBy } from '../support/wallets.ts';

const deps = depsWith();
const someone = async () => (await signIn(`kin-${crypto.randomUUID()}`)).uid;
const someWallet = (chainId: number | null = null) => ({
  address: newWallet().address.toLowerCase(),
  chainId,
});
const recordOf = async (uid: number) => (await findUserOf(deps, uid))?.record;
const kinOf = async (uid: number) => (await recordOf(uid))?.kin;

describe('works', () => {
  it('names the former owner of a wallet', async () => {
    const [first, next] = [await someone(), await someone()];
    const wallet = someWallet();
    await attachWallet(deps, first, wallet);
    expect(await kinOf(first)).toEqual([]);
    await detachWallet(deps, first, wallet);
    await attachWallet(deps, next, wallet);
    expect(await recordOf(next)).toMatchObject({ wallets: [wallet.address], kin: [first] });
    expect(await kinOf(first)).toEqual([]);
  });

  it('names them to a user whom signing in with the wallet makes', async () => {
    const wallet = newWallet();
    const first = await signInBy(wallet);
    await eraseUser(deps, first.uid);
    const second = await signInBy(wallet);
    const standing = await deviceObject(second.uid).standing({ sid: second.sid, jti: '' });
    expect(standing.ok && standing.value.record.kin).toEqual([first.uid]);
  });

  it('follows from user to user, by other wallets too, and past an erased one', async () => {
    const [first, second, third] = [await someone(), await someone(), await someone()];
    const [one, other] = [someWallet(), someWallet()];
    await attachWallet(deps, first, one);
    await detachWallet(deps, first, one);
    await attachWallet(deps, second, one);
    await attachWallet(deps, second, other);
    await eraseUser(deps, second);
    await attachWallet(deps, third, other);
    expect(await kinOf(third)).toEqual([second, first]);
  });

  it('ends with the wallet: who has given it away is nobody’s kin', async () => {
    const [first, next] = [await someone(), await someone()];
    const [bought, own] = [someWallet(), someWallet()];
    await attachWallet(deps, first, bought);
    await detachWallet(deps, first, bought);
    await attachWallet(deps, next, own);
    await attachWallet(deps, next, bought);
    expect(await kinOf(next)).toEqual([first]);
    await detachWallet(deps, next, bought);
    expect(await recordOf(next)).toMatchObject({ wallets: [own.address], kin: [] });
  });

  it('tells contracts of one address on two chains apart', async () => {
    const [first, next] = [await someone(), await someone()];
    const wallet = someWallet(1);
    await attachWallet(deps, first, wallet);
    await attachWallet(deps, next, { ...wallet, chainId: 137 });
    expect(await recordOf(first)).toMatchObject({ wallets: [`1:${wallet.address}`], kin: [] });
    expect(await recordOf(next)).toMatchObject({ wallets: [`137:${wallet.address}`], kin: [] });
  });

  it('knows owners of before MASTER_SECRETS were rotated', async () => {
    const before = depsWith(({ config }) => ({
      config: { ...config, masterSecrets: config.masterSecrets.slice(-1) as never },
    }));
    const [first, next, last] = [await someone(), await someone(), await someone()];
    const wallet = someWallet();
    await attachWallet(before, first, wallet);
    await detachWallet(before, first, wallet);
    await attachWallet(deps, next, wallet);
    await detachWallet(deps, next, wallet);
    await attachWallet(deps, last, wallet);
    expect(await kinOf(last)).toEqual([first, next]);
  });

  it('names at most 100', async () => {
    const holder = await someone();
    const wallet = someWallet();
    await attachWallet(deps, holder, wallet);
    const rows = 'SELECT walletHash, 100000 + value, value FROM walletOwners, json_each(?) WHERE uid = ?';
    await env.DB.prepare(`INSERT INTO walletOwners ${rows}`)
      .bind(JSON.stringify(Array.from({ length: 150 }, (_, index) => index)), holder)
      .run();
    expect(await kinOf(holder)).toHaveLength(100);
  });
});

describe('keeps out', () => {
  it('an address from what outlives its owner', async () => {
    const wallet = someWallet();
    const { record } = await findOrMakeOwner(deps, wallet);
    await eraseUser(deps, record.uid);
    const { results } = await env.DB.prepare('SELECT * FROM walletOwners WHERE uid = ?')
      .bind(record.uid)
      .all();
    expect(results).toHaveLength(1);
    expect(JSON.stringify(results)).not.toContain(wallet.address.slice(2));
  });
});
