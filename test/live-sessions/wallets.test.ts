/** I11: a bar follows the wallet. I12: one wallet is one seat. */
import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eraseUser } from '../../src/erasure/service.ts';
import { attachWallet, detachWallet } from '../../src/locators/service.ts';
import { call, join, joinAs, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import { depsWith } from '../support/deps.ts';
import { liveObject, liveStub } from '../support/objects.ts';
import { listen } from '../support/socket.ts';
import { newWallet, signInBy } from '../support/wallets.ts';

const deps = depsWith();
const someone = (name: string) => signIn(`${name}-${crypto.randomUUID()}`);
/** A user to whom wallets can be attached without ending their device session: they have one of their own. */
const holder = () => signInBy(newWallet());
const newAddress = (chainId: number | null = null) => ({
  address: newWallet().address.toLowerCase(),
  chainId,
});
const kick = (room: Room, { userId }: SignedIn, extra: Record<string, unknown> = {}) =>
  call('POST', '/session/current/kick', { token: room.token, body: { userId, ...extra } });
const bars = (token: string, query = '') => call('GET', `/session/current/bars${query}`, { token });
const current = (token: string) => call('GET', '/session/current', { token });

/** From now on, and until the test ends, news about wallets gets lost. */
const holdNewsBack = ({ sessionId }: Room) =>
  runInDurableObject(liveStub(sessionId), instance => {
    vi.spyOn(Object.getPrototypeOf(instance), 'walletsChanged').mockImplementation(() => {});
  });

afterEach(() => {
  vi.restoreAllMocks();
});

/** The news waits in an outbox: that it did not arrive is told to the one who asked. */
const moving = (work: Promise<unknown>) => work.catch(() => {});

describe('a bar follows the wallet', () => {
  it('that was attached before the kick, and goes to a new user', async () => {
    const room = await openRoom(await someone('host'));
    const wallet = newWallet();
    const kicked = await signInBy(wallet);
    await joinAs(kicked, room);
    await kick(room, kicked);
    await moving(detachWallet(deps, kicked.uid, { address: wallet.address.toLowerCase(), chainId: null }));
    const next = await signInBy(wallet);
    expect(next.uid).not.toBe(kicked.uid);
    expect(await join(next, room.sessionId)).toMatchObject({ status: 403, body: { code: 'member_kicked' } });
  });

  it('that was attached after the join, with the news held back', async () => {
    const room = await openRoom(await someone('host'));
    const [kicked, wallet] = [await holder(), newWallet()];
    const own = { address: wallet.address.toLowerCase(), chainId: null };
    await joinAs(kicked, room);
    await holdNewsBack(room);
    await moving(attachWallet(deps, kicked.uid, own));
    await kick(room, kicked);
    await moving(detachWallet(deps, kicked.uid, own));
    const next = await signInBy(wallet);
    expect(await join(next, room.sessionId)).toMatchObject({ status: 403, body: { code: 'member_kicked' } });
  });

  it('that was attached after the kick, and on through three users', async () => {
    const room = await openRoom(await someone('host'));
    const [kicked, second, third] = [await holder(), await holder(), await holder()];
    const [one, other] = [newAddress(), newAddress()];
    await joinAs(kicked, room);
    await kick(room, kicked);
    await moving(attachWallet(deps, kicked.uid, one));
    await moving(detachWallet(deps, kicked.uid, one));
    await attachWallet(deps, second.uid, one);
    await attachWallet(deps, second.uid, other);
    await detachWallet(deps, second.uid, other);
    await attachWallet(deps, third.uid, other);
    for (const user of [second, third]) {
      expect(await join(user, room.sessionId)).toMatchObject({ body: { code: 'member_kicked' } });
    }
  });

  it('of an erased owner, until the host lifts it by its id', async () => {
    const room = await openRoom(await someone('host'));
    const wallet = newWallet();
    const kicked = await signInBy(wallet);
    await joinAs(kicked, room, { identity: { name: 'Loud' } });
    await kick(room, kicked, { reason: 'noise' });
    expect((await bars(room.token)).body).toMatchObject([{ userId: kicked.userId, name: 'Loud' }]);
    await eraseUser(deps, kicked.uid);
    const next = await signInBy(wallet);
    expect(await join(next, room.sessionId)).toMatchObject({ body: { code: 'member_kicked' } });
    const [bar] = (await bars(room.token)).body;
    expect(bar).toMatchObject({ userId: null, name: null, reason: 'noise', id: expect.any(String) });
    const lift = await call('DELETE', `/session/current/bars/${bar.id}`, { token: room.token });
    expect(lift.status).toBe(200);
    expect((await bars(room.token)).body).toEqual([]);
    expect((await join(next, room.sessionId)).status).toBe(200);
  });

  it('and not the same address on another chain, nor a user without the wallet', async () => {
    const room = await openRoom(await someone('host'));
    const [kicked, other, stranger] = [await holder(), await holder(), await someone('stranger')];
    const wallet = newAddress(1);
    await attachWallet(deps, kicked.uid, wallet);
    await attachWallet(deps, other.uid, { ...wallet, chainId: 137 });
    await joinAs(kicked, room);
    await kick(room, kicked);
    expect((await join(other, room.sessionId)).status).toBe(200);
    expect((await join(stranger, room.sessionId)).status).toBe(200);
  });
});

describe('one wallet, one seat', () => {
  const closedRoom = async (...wallets: { address: string }[]) =>
    openRoom(await someone('host'), { whiteListAddresses: wallets.map(({ address }) => address) });
  const host = (room: Room) => current(room.token).then(({ body }) => body);

  it.each([['told at once'], ['held back']])('when it goes round among users, the news %s', async news => {
    const wallet = newWallet();
    const own = { address: wallet.address.toLowerCase(), chainId: null };
    // A host has to be on the list to come back, and not to be there.
    const room = await closedRoom(wallet);
    if (news === 'held back') await holdNewsBack(room);
    for (let turn = 0; turn < 3; turn += 1) {
      const user = await signInBy(wallet);
      await joinAs(user, room, { identity: { chainAddress: wallet.address } });
      expect(await host(room)).toMatchObject({ userCount: 2 });
      await moving(detachWallet(deps, user.uid, own));
    }
    const { users } = await host(room);
    const shown = users.filter((user: { address: string | null }) => user.address === own.address);
    expect(shown.length).toBeLessThanOrEqual(1);
  });

  it('lets a sold wallet seat its honest buyer in the place of the seller, also in a full room', async () => {
    const wallet = newAddress();
    const room = await openRoom(await someone('host'), {
      whiteListAddresses: [wallet.address],
      userCapacity: 2,
    });
    const [seller, buyer] = [await holder(), await holder()];
    await attachWallet(deps, seller.uid, wallet);
    const token = await joinAs(seller, room);
    const socket = await listen(room.token);
    await socket.heard('SessionState');
    await holdNewsBack(room);
    await moving(detachWallet(deps, seller.uid, wallet));
    await attachWallet(deps, buyer.uid, wallet);
    expect((await join(buyer, room.sessionId)).status).toBe(200);
    expect((await socket.heard('UserRemoved')).data).toMatchObject({
      id: seller.userId,
      reason: 'wallet_removed',
    });
    expect((await current(token)).status).toBe(401);
    expect(await host(room)).toMatchObject({ userCount: 2 });
  });

  it('ends as soon as the wallet leaves its member, with no one else coming for it', async () => {
    const wallet = newAddress();
    const room = await closedRoom(wallet);
    const member = await holder();
    await attachWallet(deps, member.uid, wallet);
    const token = await joinAs(member, room);
    await detachWallet(deps, member.uid, wallet);
    expect((await current(token)).status).toBe(401);
    expect(await host(room)).toMatchObject({ userCount: 1 });
  });

  it('does not end the seat of the seller where the buyer is refused', async () => {
    const wallet = newAddress();
    const room = await openRoom(await someone('host'), {
      whiteListAddresses: [wallet.address],
      password: 'sesame',
    });
    const [seller, buyer] = [await holder(), await holder()];
    await attachWallet(deps, seller.uid, wallet);
    const token = await joinAs(seller, room, { password: 'sesame' });
    await holdNewsBack(room);
    await moving(detachWallet(deps, seller.uid, wallet));
    await attachWallet(deps, buyer.uid, wallet);
    expect((await join(buyer, room.sessionId, { password: 'wrong' })).status).not.toBe(200);
    expect((await current(token)).status).toBe(200);
  });

  it('keeps a member who stands on the list by another wallet, and ends one who does not', async () => {
    const [first, second] = [newAddress(), newAddress()];
    const room = await closedRoom(first, second);
    const member = await holder();
    await attachWallet(deps, member.uid, first);
    await attachWallet(deps, member.uid, second);
    const token = await joinAs(member, room);
    const tell = (version: number, wallets: string[]) =>
      liveObject(room.sessionId).walletsChanged(String(member.uid), { version, wallets, kin: [] });
    await tell(1_001, [second.address]);
    expect((await current(token)).status).toBe(200);
    await tell(1_000, []);
    expect((await current(token)).status).toBe(200);
    await tell(1_002, []);
    expect((await current(token)).status).toBe(401);
    await tell(1_002, []);
    expect((await host(room)).userCount).toBe(1);
  });

  it('refuses a join with a record that is older than the news which came before it', async () => {
    const listed = newAddress();
    const room = await closedRoom(listed);
    const { uid, userId } = await holder();
    const live = liveObject(room.sessionId);
    const joinWith = (version: number) =>
      live.admit({
        sid: `sid-${version}`,
        visitor: {
          subject: String(uid),
          id: userId,
          name: 'Late',
          wallets: [listed.address],
          kin: [],
          version,
          guestOf: null,
        },
        notedAt: Date.now(),
        identity: { name: null, chainAddress: null },
        passwords: [],
      });
    await live.walletsChanged(String(uid), { version: 7, wallets: [], kin: [] });
    expect(await joinWith(6)).toMatchObject({ ok: false, code: 'join_timed_out' });
    expect((await host(room)).userCount).toBe(1);
    expect(await joinWith(8)).toMatchObject({ ok: true });
    expect(await joinWith(7)).toMatchObject({ ok: false, code: 'join_timed_out' });
  });

  it('keeps the host who is not on the own list, and members of a session without a list', async () => {
    const [listed, other] = [newAddress(), newAddress()];
    const [room, open] = [await closedRoom(listed), await openRoom(await someone('host'))];
    const member = await holder();
    await attachWallet(deps, member.uid, other);
    const token = await joinAs(member, open);
    const tell = (id: string, uid: number) =>
      liveObject(id).walletsChanged(String(uid), { version: 1_001, wallets: [], kin: [] });
    await tell(open.sessionId, member.uid);
    expect((await current(token)).status).toBe(200);
    await tell(room.sessionId, (await someone('unknown')).uid);
    expect((await current(room.token)).status).toBe(200);
  });
});

describe('bars', () => {
  it('pages the list, the oldest first', async () => {
    const room = await openRoom(await someone('host'));
    const kicked: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      const user = await someone(`barred-${index}`);
      await joinAs(user, room);
      await kick(room, user);
      kicked.push(user.userId);
    }
    const first = await bars(room.token, '?limit=2');
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await call('GET', next, { token: room.token });
    const ids = [...first.body, ...second.body].map((bar: { userId: string }) => bar.userId);
    expect(ids).toEqual(kicked);
    expect(second.headers.get('link')).toBeNull();
    expect(first.body[0]).toMatchObject({ by: expect.any(String), byName: expect.any(String), reason: null });
  });

  it('are for the host alone, and an unknown id is no bar', async () => {
    const room = await openRoom(await someone('host'));
    const token = await joinAs(await holder(), room);
    expect(await bars(token)).toMatchObject({ status: 403, body: { code: 'not_host' } });
    const lift = (by: string) => call('DELETE', '/session/current/bars/unknown', { token: by });
    expect(await lift(token)).toMatchObject({ status: 403, body: { code: 'not_host' } });
    expect(await lift(room.token)).toMatchObject({ status: 404, body: { code: 'bar_not_found' } });
  });
});
