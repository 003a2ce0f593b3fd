/** What the host may do while the session runs. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, join, joinAs, keys, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import { liveStub } from '../support/objects.ts';
import { listen } from '../support/socket.ts';

let host: SignedIn;
let client: SignedIn;
let room: Room;
let token: string;
let round = 0;

afterEach(() => {
  vi.useRealTimers();
});

beforeEach(async () => {
  round += 1;
  [host, client] = await Promise.all([signIn(`rights-host-${round}`), signIn(`rights-client-${round}`)]);
  room = await openRoom(host, { allowGuests: true });
  token = await joinAs(client, room);
});

const current = (member: string) => call('GET', '/session/current', { token: member });
const kick = (member: string, body: unknown) =>
  call('POST', '/session/current/kick', { token: member, body });
const lift = (member: string, userId: string) =>
  call('DELETE', `/session/current/kick/${encodeURIComponent(userId)}`, { token: member });
const handOver = (member: string, userId: unknown) =>
  call('POST', '/session/current/host', { token: member, body: { userId } });
const change = (member: string, rules: unknown) =>
  call('PATCH', '/session/current', { token: member, body: { rules } });
const guestToken = async (network = '203.0.113.1') => {
  const { body } = await call('POST', '/api/sessions', { body: { identifier: 'tv' } });
  return { accessToken: body.data.token as string, network };
};
const joinAsGuest = (guest: { accessToken: string; network: string }, extra: Record<string, unknown> = {}) =>
  call('POST', '/session/join', {
    token: guest.accessToken,
    headers: { 'cf-connecting-ip': guest.network },
    body: { sessionId: room.sessionId, ...extra },
  });

describe('works', () => {
  it('lifts a bar: the person may join again, and no old token comes back to life', async () => {
    await kick(room.token, { userId: client.userId });
    expect((await join(client, room.sessionId)).body.code).toBe('member_kicked');
    expect(await lift(room.token, client.userId)).toMatchObject({ status: 200, body: '' });
    const again = await joinAs(client, room);
    expect((await current(token)).status).toBe(401);
    expect((await current(again)).status).toBe(200);
    const old = await listen(token);
    expect(await old.hasClosed()).toMatchObject({ code: 4401 });
  });

  it('hands the role over, and tells everybody', async () => {
    const socket = await listen(token);
    await socket.heard('SessionState');
    expect(await handOver(room.token, client.userId)).toMatchObject({ status: 200, body: '' });
    expect((await socket.heard('HostChanged')).data).toEqual({ hostId: client.userId });
    expect((await current(room.token)).body).toMatchObject({ hostId: client.userId, creatorId: host.userId });
    expect((await kick(room.token, { userId: client.userId })).status).toBe(403);
    expect((await kick(token, { userId: host.userId })).status).toBe(200);
  });

  it('changes every rule while the session runs, and tells everybody', async () => {
    const socket = await listen(token);
    await socket.heard('SessionState');
    const { status, body } = await change(room.token, {
      userCapacity: 2,
      expiryDurationInSeconds: 7200,
      password: 'sesame',
      whiteListAddresses: [`0x${'Ab'.repeat(20)}`],
      allowOnlyWhitelistedAddresses: false,
      allowGuests: false,
      memberTimeoutSeconds: 3600,
      maxFiles: 3,
      maxTotalMegaBytes: 5,
    });
    expect(status).toBe(200);
    const rules = {
      maxFiles: 3,
      maxUsers: 2,
      maxTotalMegaBytes: 5,
      passwordProtected: true,
      whiteListAddresses: [`0x${'ab'.repeat(20)}`],
    };
    expect(body).toMatchObject({ id: room.sessionId, expiresIn: 7200, ...rules });
    const told = { ...rules, expiry: body.expiry, whiteListAddresses: null, whiteListLength: 1 };
    expect((await socket.heard('RulesChanged')).data).toMatchObject(told);
    expect((await join(client, room.sessionId)).body.code).toBe('wrong_room_password');
    expect((await join(client, room.sessionId, { password: 'sesame' })).status).toBe(200);
    expect((await join(await signIn(`full-${round}`), room.sessionId, { password: 'sesame' })).status).toBe(
      409,
    );
    const open = await change(room.token, { password: '', userCapacity: null });
    expect(open.body).toMatchObject({ passwordProtected: false, maxUsers: 2 });
    expect((await join(client, room.sessionId)).status).toBe(200);
  });

  it('keeps everybody in, tokens and sockets, when the end is put off', async () => {
    const socket = await listen(token);
    await socket.heard('SessionState');
    const guest = (await joinAsGuest(await guestToken())).body.credentials.token;
    await (await listen(guest)).heard('SessionState');
    await change(room.token, { expiryDurationInSeconds: 7200 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
    await runDurableObjectAlarm(liveStub(room.sessionId));
    for (const member of [room.token, token, guest]) expect((await current(member)).status).toBe(200);
    expect(socket.types()).not.toContain('SessionExpiring');
    await change(room.token, { expiryDurationInSeconds: 60 });
    await runDurableObjectAlarm(liveStub(room.sessionId));
    expect((await socket.heard('SessionExpiring')).data.expiresIn).toBeLessThanOrEqual(60);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 });
    expect((await current(token)).status).toBe(404);
  });

  it('closes the allow-list to whoever comes from then on', async () => {
    await change(room.token, { whiteListAddresses: [`0x${'ab'.repeat(20)}`] });
    expect((await join(client, room.sessionId)).body.code).toBe('address_not_allowed');
    expect((await current(token)).status).toBe(200);
    await change(room.token, { whiteListAddresses: [] });
    expect((await join(client, room.sessionId)).body.code).toBe('address_not_allowed');
    await change(room.token, { allowOnlyWhitelistedAddresses: false });
    expect((await join(client, room.sessionId)).status).toBe(200);
  });

  it('lets guests in, shows them as guests, and never makes one the host', async () => {
    const joined = await joinAsGuest(await guestToken(), { identity: { name: 'Lobby TV' } });
    expect(joined.status).toBe(200);
    const { credentials } = joined.body;
    expect(credentials).toMatchObject({
      id: expect.stringMatching(/^guest:/),
      pseudonym: 'Lobby TV',
      role: 'Client',
    });
    expect((await current(credentials.token)).body.userCount).toBe(3);
    expect(await handOver(room.token, credentials.id)).toMatchObject({
      status: 400,
      body: { code: 'guest_cannot_host' },
    });
    await call('POST', '/session/disconnect', { token: room.token });
    await call('POST', '/session/disconnect', { token });
    expect((await current(credentials.token)).body).toMatchObject({ hostId: null, userCount: 1 });
    expect((await joinAsGuest(await guestToken())).body.credentials.role).toBe('Client');
    const heir = await joinAs(client, room);
    expect((await current(heir)).body).toMatchObject({ hostId: client.userId, userCount: 3 });
  });

  it('kicks a guest, and closes the session to guests with it', async () => {
    const guest = await guestToken();
    const { credentials } = (await joinAsGuest(guest)).body;
    const socket = await listen(token);
    await socket.heard('SessionState');
    expect((await kick(room.token, { userId: credentials.id, closeGuests: true })).status).toBe(200);
    await socket.heard('RulesChanged');
    expect((await current(credentials.token)).status).toBe(401);
    expect((await joinAsGuest(guest)).body.code).toBe('member_kicked');
    expect((await joinAsGuest(await guestToken())).body.code).toBe('guests_not_allowed');
  });

  it('lets a guest stay whose identifier session ended, and come no more', async () => {
    const guest = await guestToken();
    const { credentials } = (await joinAsGuest(guest)).body;
    await call('DELETE', '/api/sessions/current', { token: guest.accessToken });
    expect((await current(credentials.token)).status).toBe(200);
    expect((await joinAsGuest(guest)).status).toBe(401);
  });
});

describe('refuses', () => {
  it('a rule it does not know, and changes nothing', async () => {
    const answer = await change(room.token, { userCapacity: 7, hostId: 'x' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
    expect((await current(room.token)).body.maxUsers).toBe(50);
  });

  it('to lift a bar that is not there', async () => {
    for (const userId of [client.userId, 'nobody']) {
      expect(await lift(room.token, userId)).toMatchObject({
        status: 404,
        body: { code: 'member_not_found' },
      });
    }
  });

  it('to hand over to whoever is not in', async () => {
    await call('POST', '/session/disconnect', { token });
    for (const userId of [client.userId, 'nobody'])
      expect((await handOver(room.token, userId)).status).toBe(404);
    for (const userId of [undefined, 7, '']) expect((await handOver(room.token, userId)).status).toBe(400);
    expect((await handOver(room.token, host.userId)).status).toBe(200);
  });

  it.each([
    [{ userCapacity: 0 }],
    [{ expiryDurationInSeconds: 59 }],
    [{ password: 'x'.repeat(129) }],
    [{ maxFiles: 1001 }],
    [undefined],
  ])('rules %j', async rules => {
    expect(await change(room.token, rules)).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
  });

  it('fewer seats than are taken', async () => {
    expect(await change(room.token, { userCapacity: 1 })).toMatchObject({
      status: 409,
      body: { code: 'capacity_below_members' },
    });
  });

  it('a sixth guest of one network, and more than half of the seats to guests', async () => {
    const network = '2001:db8::1';
    for (let guest = 0; guest < 5; guest += 1)
      expect((await joinAsGuest(await guestToken(network))).status).toBe(200);
    expect((await joinAsGuest(await guestToken('2001:db8::ffff'))).body.code).toBe('too_many_guests');
    expect((await joinAsGuest(await guestToken('198.51.100.7'))).status).toBe(200);
    await change(room.token, { userCapacity: 12 });
    expect((await joinAsGuest(await guestToken('198.51.100.8'))).body.code).toBe('session_full');
    expect((await join(await signIn(`seated-${round}`), room.sessionId)).status).toBe(200);
  });

  it('guests who guess: their tries are counted by network', async () => {
    await change(room.token, { password: 'sesame' });
    for (let tried = 0; tried < 10; tried += 1) {
      expect((await joinAsGuest(await guestToken(), { password: 'x' })).status).toBe(403);
    }
    expect((await joinAsGuest(await guestToken(), { password: 'sesame' })).status).toBe(429);
    expect((await joinAsGuest(await guestToken('198.51.100.9'), { password: 'sesame' })).status).toBe(200);
  });
});

describe('keeps out', () => {
  it('everybody but the host (S31)', async () => {
    const other = await signIn(`rights-other-${round}`);
    const otherToken = await joinAs(other, room);
    await kick(room.token, { userId: other.userId });
    for (const [member, status] of [
      [token, 403],
      [otherToken, 401],
      [host.accessToken, 401],
      ['x', 401],
    ] as const) {
      expect((await lift(member, other.userId)).status).toBe(status);
      expect((await handOver(member, client.userId)).status).toBe(status);
      expect((await change(member, { userCapacity: 50 })).status).toBe(status);
    }
    expect((await call('PATCH', '/session/current', { body: { rules: {} } })).status).toBe(401);
  });

  it('guests from where they are not asked for, and from what only users do', async () => {
    const closed = await openRoom(host);
    const guest = await guestToken();
    const body = { sessionId: closed.sessionId };
    expect(await call('POST', '/session/join', { token: guest.accessToken, body })).toMatchObject({
      status: 403,
      body: { code: 'guests_not_allowed' },
    });
    expect(
      (await call('POST', '/session', { token: guest.accessToken, key: keys.publishableKey })).status,
    ).toBe(401);
    const allowListed = { identity: { chainAddress: `0x${'ab'.repeat(20)}` } };
    expect((await joinAsGuest(guest, allowListed)).body.code).toBe('address_not_proven');
  });
});
