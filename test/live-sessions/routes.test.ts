import { beforeEach, describe, expect, it } from 'vitest';
import { call, claimsOf, join, joinAs, keys, openRoom, type SignedIn, signIn } from '../support/client.ts';

const create = async (token: string, body: unknown, key: string | undefined = keys.publishableKey) =>
  call('POST', '/session', { key, token, body });
const current = (token: string, query = '') => call('GET', `/session/current${query}`, { token });
const kick = (token: string, body: unknown) => call('POST', '/session/current/kick', { token, body });

let host: SignedIn;
let client: SignedIn;
let round = 0;

beforeEach(async () => {
  round += 1;
  host = await signIn(`host-${round}`);
  client = await signIn(`client-${round}`);
});

describe('works', () => {
  it('creates a session with the standard rules', async () => {
    const { status, body } = await create(host.accessToken, undefined);
    const now = Math.floor(Date.now() / 1000);
    expect(status).toBe(200);
    expect(body).toEqual({
      sessionId: expect.stringMatching(/^[0-9a-f]{64}$/),
      expiresIn: 3600,
      credentials: { token: expect.any(String), id: host.userId, pseudonym: host.userId, role: 'Host' },
      rules: {
        expiry: expect.any(Number),
        maxFiles: 100,
        maxUsers: 50,
        maxTotalMegaBytes: 1024,
        passwordProtected: false,
        whiteListAddresses: [],
      },
    });
    expect(body.rules.expiry - now).toBeGreaterThanOrEqual(3599);
    expect(body.rules.expiry - now).toBeLessThanOrEqual(3601);
    expect(claimsOf(body.credentials.token)).toMatchObject({
      live: body.sessionId,
      sid: host.sid,
      uid: host.uid,
    });
  });

  it('takes every rule, the deprecated forms, and null for absent', async () => {
    const { body } = await create(host.accessToken, {
      identity: { name: 'The Host', chainAddress: null },
      rules: {
        userCapacity: 1000,
        expiryDurationInSeconds: 604_800,
        password: 'x'.repeat(128),
        allowGuests: null,
        memberTimeoutSeconds: 0,
        maxFiles: 0,
        maxTotalMegaBytes: 10_240,
        whiteListAddresses: [{ address: `0x${'Ab'.repeat(20)}` }, `0x${'ab'.repeat(20)}`],
      },
      password: 'older form',
      whiteListAddresses: null,
    });
    expect(body).toMatchObject({
      expiresIn: 604_800,
      credentials: { pseudonym: 'The Host' },
      rules: {
        maxUsers: 1000,
        maxFiles: 0,
        maxTotalMegaBytes: 10_240,
        passwordProtected: true,
        whiteListAddresses: [`0x${'ab'.repeat(20)}`],
      },
    });
  });

  it('takes the deprecated forms, and lets the rules win over them', async () => {
    const old = await create(host.accessToken, {
      password: 'older form',
      whiteListAddresses: [`0x${'cd'.repeat(20)}`],
    });
    expect(old.body.rules).toMatchObject({
      passwordProtected: true,
      whiteListAddresses: [`0x${'cd'.repeat(20)}`],
    });
    const both = await create(host.accessToken, {
      rules: { password: 'newer form', whiteListAddresses: [], allowOnlyWhitelistedAddresses: null },
      password: 'older form',
      whiteListAddresses: [`0x${'cd'.repeat(20)}`],
    });
    expect(both.body.rules.whiteListAddresses).toEqual([]);
    const { sessionId } = both.body;
    expect((await join(client, sessionId, { password: 'older form' })).body.code).toBe('wrong_room_password');
    expect((await join(client, sessionId, { password: 'newer form' })).status).toBe(200);
  });

  it('shows a new display name in the sessions joined from then on', async () => {
    const room = await openRoom(host);
    const body = { userId: client.userId, deviceId: 'renaming', displayName: 'Renamed' };
    await call('POST', '/api/v5/sessions', { key: keys.publishableKey, body });
    expect((await join(client, room.sessionId)).body.credentials.pseudonym).toBe('Renamed');
  });

  it('goes from room to room, as many as one likes, as long as one leaves', async () => {
    const walker = await signIn('walker');
    for (let index = 0; index < 25; index += 1) {
      const room = await openRoom(await signIn(`walked-${index}`));
      await call('POST', '/session/disconnect', { token: await joinAs(walker, room) });
    }
  });

  it('joins, and shows who is in', async () => {
    const room = await openRoom(host, { password: 'sesame' });
    const { status, body } = await join(client, room.sessionId, {
      password: 'sesame',
      identity: { name: 'Guest of Honour' },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      sessionId: room.sessionId,
      expiresIn: expect.any(Number),
      credentials: { id: client.userId, pseudonym: 'Guest of Honour', role: 'Client' },
      rules: { passwordProtected: true },
      userCount: 2,
      users: [
        { id: host.userId, role: 'Host', name: host.userId, address: null },
        { id: client.userId, role: 'Client', name: 'Guest of Honour', address: null },
      ],
    });
    const seen = await current(body.credentials.token);
    expect(seen).toMatchObject({
      status: 200,
      body: {
        id: room.sessionId,
        creatorId: host.userId,
        hostId: host.userId,
        maxUsers: 50,
        userCount: 2,
        users: body.users,
      },
    });
    expect(seen.body.expiry).toBe(body.rules.expiry);
  });

  it('takes a room password in any normal form, and tells composed from different', async () => {
    const room = await openRoom(host, { password: 'caf\u00e9' });
    expect((await join(client, room.sessionId, { password: 'cafe' })).status).toBe(403);
    expect((await join(client, room.sessionId, { password: 'cafe\u0301' })).status).toBe(200);
  });

  it('gives a rejoining member the same seat, also from another device', async () => {
    const room = await openRoom(host, { userCapacity: 2 });
    const first = await joinAs(client, room);
    const phone = await signIn(client.userId);
    const second = await joinAs(phone, room);
    expect(claimsOf(second).mid).toBe(claimsOf(first).mid);
    expect((await current(room.token)).body.userCount).toBe(2);
    await call('DELETE', '/api/v5/sessions', { token: phone.accessToken });
    expect((await current(second)).status).toBe(401);
    expect((await current(first)).status).toBe(200);
  });

  it('pages its members, host and caller first, each exactly once', async () => {
    const room = await openRoom(host);
    const members = [];
    for (let index = 0; index < 7; index += 1) members.push(await signIn(`paged-${index}`));
    const tokens = [];
    for (const member of members) tokens.push(await joinAs(member, room));
    const seen: string[] = [];
    let query = '?limit=3';
    for (let page = 0; page < 10 && query; page += 1) {
      const { body, headers } = await current(tokens[4] ?? '', query);
      expect(body.users.length).toBeLessThanOrEqual(3);
      seen.push(...body.users.map((user: { id: string }) => user.id));
      query = /<\/session\/current(\?[^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? '';
    }
    expect(seen.slice(0, 2)).toEqual([host.userId, 'paged-4']);
    expect(seen.toSorted()).toEqual([host.userId, ...members.map(member => member.userId)].toSorted());
  });

  it('hands the host over to the longest-standing member', async () => {
    const room = await openRoom(host);
    const [second, third] = [await signIn('second'), await signIn('third')];
    const token = await joinAs(second, room);
    await joinAs(third, room);
    expect(await call('POST', '/session/disconnect', { token: room.token })).toMatchObject({
      status: 200,
      body: '',
    });
    expect((await current(room.token)).status).toBe(401);
    expect((await current(token)).body).toMatchObject({
      hostId: 'second',
      creatorId: host.userId,
      userCount: 2,
    });
    expect((await kick(token, { userId: 'third' })).status).toBe(200);
  });

  it('makes the creator host again when they return in time to a session that stood empty', async () => {
    const room = await openRoom(host);
    await call('POST', '/session/disconnect', { token: room.token });
    const heir = await joinAs(client, room);
    expect((await current(heir)).body).toMatchObject({ hostId: client.userId, userCount: 1 });
    const again = await joinAs(host, room);
    expect((await current(again)).body).toMatchObject({ hostId: host.userId, userCount: 2 });
  });

  it('kicks: no content, and the person is out for good', async () => {
    const room = await openRoom(host);
    const token = await joinAs(client, room);
    expect(await kick(room.token, { userId: client.userId, reason: 'noise' })).toMatchObject({
      status: 200,
      body: '',
    });
    expect((await current(token)).status).toBe(401);
    expect(await join(client, room.sessionId)).toMatchObject({
      status: 403,
      body: { code: 'member_kicked' },
    });
    const elsewhere = await signIn(client.userId);
    expect(await join(elsewhere, room.sessionId)).toMatchObject({
      status: 403,
      body: { code: 'member_kicked' },
    });
    expect((await current(room.token)).body.userCount).toBe(1);
  });

  it('kicks a person by their userId in any normal form', async () => {
    const room = await openRoom(host);
    const user = await signIn(`\u00e9-${host.userId}`);
    await joinAs(user, room);
    expect((await kick(room.token, { userId: `e\u0301-${host.userId}` })).status).toBe(200);
  });

  it('kicks somebody who has just left', async () => {
    const room = await openRoom(host);
    const token = await joinAs(client, room);
    await call('POST', '/session/disconnect', { token });
    expect((await kick(room.token, { userId: client.userId })).status).toBe(200);
    expect(await join(client, room.sessionId)).toMatchObject({
      status: 403,
      body: { code: 'member_kicked' },
    });
  });

  it('never revives the token of an earlier membership', async () => {
    const room = await openRoom(host);
    const first = await joinAs(client, room);
    await call('POST', '/session/disconnect', { token: first });
    const second = await joinAs(client, room);
    expect((await current(first)).status).toBe(401);
    expect((await current(second)).status).toBe(200);
  });

  it('deletes a session, for everybody and for ever', async () => {
    const room = await openRoom(host);
    const token = await joinAs(client, room);
    expect(await call('DELETE', '/session/current', { token: room.token })).toMatchObject({
      status: 200,
      body: '',
    });
    for (const dead of [room.token, token]) {
      expect(await current(dead)).toMatchObject({ status: 404, body: { code: 'live_session_not_found' } });
      expect((await kick(dead, { userId: client.userId })).status).toBe(404);
      expect((await call('POST', '/session/disconnect', { token: dead })).status).toBe(404);
      expect((await call('DELETE', '/session/current', { token: dead })).status).toBe(404);
    }
    expect((await join(host, room.sessionId)).status).toBe(404);
  });
});

describe('refuses', () => {
  it.each([
    ['an unknown member', { capacity: 3 }],
    ['an unknown rule', { rules: { hostId: 'me' } }],
    ['an unknown member of identity', { identity: { role: 'Host' } }],
    ['a capacity of 0', { rules: { userCapacity: 0 } }],
    ['a capacity of 1001', { rules: { userCapacity: 1001 } }],
    ['a capacity that is no integer', { rules: { userCapacity: 1.5 } }],
    ['a capacity as text', { rules: { userCapacity: '3' } }],
    ['59 seconds', { rules: { expiryDurationInSeconds: 59 } }],
    ['more than a week', { rules: { expiryDurationInSeconds: 604_801 } }],
    ['an empty password', { rules: { password: '' } }],
    ['a long password', { rules: { password: 'x'.repeat(129) } }],
    ['an address that is none', { rules: { whiteListAddresses: ['0x12'] } }],
    ['a timeout of 29 s', { rules: { memberTimeoutSeconds: 29 } }],
    ['too many megabytes', { rules: { maxTotalMegaBytes: 10_241 } }],
    ['an empty name', { identity: { name: '' } }],
    ['an array', []],
    ['text', '"text"'],
  ])('to create with %s', async (_, body) => {
    const answer = await create(host.accessToken, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input' } });
    expect(answer.body.errors[0]).toMatchObject({ path: expect.any(String), message: expect.any(String) });
  });

  it('to create as a wallet the caller has not proven', async () => {
    const body = { identity: { chainAddress: `0x${'ab'.repeat(20)}` } };
    expect(await create(host.accessToken, body)).toMatchObject({
      status: 403,
      body: { code: 'address_not_proven' },
    });
  });

  it.each(['', 'x', 'f'.repeat(64), 'f'.repeat(63), '../session', 'x'.repeat(201)])(
    'to join %j',
    async sessionId => {
      const { status } = await join(client, sessionId);
      expect(status).toBe(sessionId === '' || sessionId.length > 200 ? 400 : 404);
    },
  );

  it('a wrong and a missing password', async () => {
    const room = await openRoom(host, { password: 'sesame' });
    for (const password of ['Sesame', undefined, null, 'x']) {
      expect(await join(client, room.sessionId, { password })).toMatchObject({
        status: 403,
        body: { code: 'wrong_room_password' },
      });
    }
    expect((await current(room.token)).body.userCount).toBe(1);
  });

  it('whoever is not on the allow-list', async () => {
    const room = await openRoom(host, { whiteListAddresses: [`0x${'ab'.repeat(20)}`] });
    expect(await join(client, room.sessionId)).toMatchObject({
      status: 403,
      body: { code: 'address_not_allowed' },
    });
  });

  it('one too many', async () => {
    const room = await openRoom(host, { userCapacity: 1 });
    expect(await join(client, room.sessionId)).toMatchObject({ status: 409, body: { code: 'session_full' } });
  });

  it('an eleventh join in a minute, and says when the next may come', async () => {
    const room = await openRoom(host);
    const restless = await signIn('restless');
    for (let tried = 0; tried < 10; tried += 1)
      expect((await join(restless, room.sessionId)).status).toBe(200);
    const refused = await join(restless, room.sessionId);
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(refused.headers.get('ratelimit')).toMatch(/^"attempts";r=0;t=\d+$/);
    expect(refused.headers.get('ratelimit-policy')).toBe('"attempts";q=10;w=60');
  });

  it('a twenty-first live session, but not one of the twenty, nor after one was left', async () => {
    const busy = await signIn('busy');
    const rooms = [];
    for (let index = 0; index < 20; index += 1) rooms.push(await openRoom(busy));
    expect(await create(busy.accessToken, {})).toMatchObject({
      status: 409,
      body: { code: 'too_many_live_sessions' },
    });
    const other = await openRoom(host);
    expect(await join(busy, other.sessionId)).toMatchObject({
      status: 409,
      body: { code: 'too_many_live_sessions' },
    });
    expect((await join(busy, rooms[3]?.sessionId ?? '')).status).toBe(200);
    await call('POST', '/session/disconnect', { token: rooms[7]?.token });
    expect((await join(busy, other.sessionId)).status).toBe(200);
  });

  it('strangers after a hundred wrong passwords in a minute, members not', async () => {
    const room = await openRoom(host, { password: 'sesame' });
    await joinAs(client, room, { password: 'sesame' });
    const guessers = await Promise.all(Array.from({ length: 11 }, (_, index) => signIn(`guesser-${index}`)));
    for (const guesser of guessers.slice(0, 10)) {
      for (let tried = 0; tried < 10; tried += 1) await join(guesser, room.sessionId, { password: 'x' });
    }
    const late = guessers[10] ?? host;
    expect(await join(late, room.sessionId, { password: 'sesame' })).toMatchObject({ status: 429 });
    expect((await join(client, room.sessionId, { password: 'sesame' })).status).toBe(200);
  });

  it('to join as a wallet the joiner has not proven, but tells first who is barred and what is over', async () => {
    const room = await openRoom(host);
    const identity = { chainAddress: `0x${'ab'.repeat(20)}` };
    expect(await join(client, room.sessionId, { identity })).toMatchObject({
      status: 403,
      body: { code: 'address_not_proven' },
    });
    await joinAs(client, room);
    await kick(room.token, { userId: client.userId });
    expect((await join(client, room.sessionId, { identity })).body.code).toBe('member_kicked');
    await call('DELETE', '/session/current', { token: room.token });
    expect((await join(client, room.sessionId, { identity })).status).toBe(404);
  });

  it('a session id in any other spelling', async () => {
    const room = await openRoom(host);
    expect((await join(client, room.sessionId.toUpperCase())).status).toBe(404);
  });

  it('a kick of oneself, of a stranger, of nobody', async () => {
    const room = await openRoom(host);
    expect(await kick(room.token, { userId: host.userId })).toMatchObject({
      status: 400,
      body: { code: 'cannot_kick_self' },
    });
    expect(await kick(room.token, { userId: client.userId })).toMatchObject({
      status: 404,
      body: { code: 'member_not_found' },
    });
    expect((await kick(room.token, {})).status).toBe(400);
    expect((await kick(room.token, { userId: client.userId, reason: 'x'.repeat(201) })).status).toBe(400);
  });

  it('a cursor that is none of ours', async () => {
    const room = await openRoom(host);
    for (const cursor of ['x', '!!', btoa('{}'), btoa('[-1,[]]'), btoa('["0",[]]')]) {
      expect(await current(room.token, `?cursor=${encodeURIComponent(cursor)}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid_cursor' },
      });
    }
    expect((await current(room.token, '?limit=0')).status).toBe(400);
    expect((await current(room.token, '?limit=101')).status).toBe(400);
  });
});

describe('keeps out', () => {
  const memberCalls: [string, string, unknown?][] = [
    ['GET', '/session/current'],
    ['POST', '/session/current/kick', { userId: 'anybody' }],
    ['POST', '/session/disconnect'],
    ['DELETE', '/session/current'],
  ];

  it('whoever has no member token', async () => {
    const room = await openRoom(host);
    for (const [method, path, body] of memberCalls) {
      for (const token of [undefined, '', 'x', host.accessToken, host.refreshToken, `${room.token}x`]) {
        expect((await call(method, path, { token, body })).status).toBe(401);
      }
    }
    expect((await call('GET', `/session/current?access_token=${room.token}`)).status).toBe(400);
    const second = { token: room.token, headers: { 'x-server-key': keys.secretKey } };
    expect((await call('GET', '/session/current', second)).status).toBe(400);
    expect((await current(room.token)).status).toBe(200);
  });

  it('a kicked member, from every call', async () => {
    const room = await openRoom(host);
    const token = await joinAs(client, room);
    await kick(room.token, { userId: client.userId });
    for (const [method, path, body] of memberCalls) {
      expect(await call(method, path, { token, body })).toMatchObject({
        status: 401,
        body: { code: 'membership_ended' },
      });
    }
  });

  it('a client, from what only the host may do', async () => {
    const room = await openRoom(host);
    const token = await joinAs(client, room);
    expect(await kick(token, { userId: host.userId })).toMatchObject({
      status: 403,
      body: { code: 'not_host' },
    });
    expect(await kick(token, { userId: client.userId })).toMatchObject({
      status: 403,
      body: { code: 'not_host' },
    });
    expect(await call('DELETE', '/session/current', { token })).toMatchObject({
      status: 403,
      body: { code: 'not_host' },
    });
  });

  it('a former host, from what the new one may do', async () => {
    const room = await openRoom(host);
    await joinAs(client, room);
    await call('POST', '/session/disconnect', { token: room.token });
    const back = await joinAs(host, room);
    expect(await kick(back, { userId: client.userId })).toMatchObject({
      status: 403,
      body: { code: 'not_host' },
    });
  });

  it('who creates without a key, with a wrong one, or without a user', async () => {
    expect((await create(host.accessToken, {}, '')).status).toBe(401);
    expect((await create(host.accessToken, {}, keys.secretKey)).status).toBe(401);
    const asSystem = { 'x-server-key': keys.secretKey };
    expect((await call('POST', '/session', { key: keys.publishableKey, body: {} })).status).toBe(401);
    expect(
      (await call('POST', '/session', { key: keys.publishableKey, headers: asSystem, body: {} })).status,
    ).toBe(403);
    const room = await openRoom(host);
    for (const token of [undefined, 'x', host.refreshToken, room.token]) {
      expect((await create(token as string, {})).status).toBe(401);
      expect(
        (await call('POST', '/session/join', { token, body: { sessionId: room.sessionId } })).status,
      ).toBe(401);
    }
  });

  it('a signed-out user, from joining', async () => {
    const room = await openRoom(host);
    const user = await signIn('brief');
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    expect(await join(user, room.sessionId)).toMatchObject({ status: 401, body: { code: 'session_ended' } });
  });
});
