import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, joinAs, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import { liveStub } from '../support/objects.ts';
import { Listener, listen, upgrade } from '../support/socket.ts';

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
  [host, client] = await Promise.all([signIn(`host-${round}`), signIn(`client-${round}`)]);
  room = await openRoom(host);
  token = await joinAs(client, room);
});

const kick = (reason?: string) =>
  call('POST', '/session/current/kick', { token: room.token, body: { userId: client.userId, reason } });
const evict = () => evictDurableObject(liveStub(room.sessionId));

describe('works', () => {
  it('tells the state first, as GET /session/current would', async () => {
    const socket = await listen(token);
    const frame = await socket.heard('SessionState');
    const { body } = await call('GET', '/session/current', { token });
    const you = { id: client.userId, role: 'Client', name: client.userId, address: null };
    expect(frame).toMatchObject({
      sessionId: room.sessionId,
      seq: expect.any(Number),
      data: { ...body, expiresIn: expect.any(Number), you },
    });
    expect(new Date(frame.at).toISOString()).toBe(frame.at);
    expect(socket.types()).toEqual(['SessionState']);
  });

  it('tells who comes, who goes and why, and who is host, in rising order', async () => {
    const watcher = await listen(token);
    await watcher.heard('SessionState');
    const third = await signIn(`third-${round}`);
    const thirdToken = await joinAs(third, room, { identity: { name: 'Third' } });
    await call('POST', '/session/disconnect', { token: thirdToken });
    const again = await joinAs(third, room);
    await call('POST', '/session/current/kick', { token: room.token, body: { userId: third.userId } });
    await call('DELETE', '/api/v5/sessions', { token: host.accessToken });
    await watcher.heard('HostChanged');
    void again;
    const seat = { id: third.userId, role: 'Client', name: 'Third', address: null };
    expect(watcher.frames.slice(1)).toMatchObject([
      { eventType: 'UserAdded', data: seat },
      { eventType: 'UserRemoved', data: { ...seat, reason: 'left' } },
      { eventType: 'UserAdded', data: { id: third.userId } },
      { eventType: 'UserRemoved', data: { id: third.userId, reason: 'kicked' } },
      { eventType: 'UserRemoved', data: { id: host.userId, role: 'Host', reason: 'signed_out' } },
      { eventType: 'HostChanged', data: { hostId: client.userId } },
    ]);
    const numbers = watcher.frames.map(frame => frame.seq);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('I9 tells every socket of a kicked member once, and closes it with 4403', async () => {
    const sockets = await Promise.all([1, 2, 3].map(() => listen(token)));
    const bystander = await listen(room.token);
    for (const socket of [...sockets, bystander]) await socket.heard('SessionState');
    await kick('spam');
    for (const socket of sockets) {
      expect(await socket.hasClosed()).toMatchObject({ code: 4403 });
      expect(socket.types()).toEqual(['SessionState', 'Kicked']);
      expect(socket.frames[1]?.data).toEqual({ by: host.userId, byName: host.userId, reason: 'spam' });
    }
    expect(await bystander.heard('UserRemoved')).toMatchObject({
      data: { id: client.userId, reason: 'kicked' },
    });
    expect(bystander.closed).toBe(null);
  });

  it('I9 does so also after the object was evicted', async () => {
    const socket = await listen(token);
    const bystander = await listen(room.token);
    await socket.heard('SessionState');
    await evict();
    await kick();
    expect(await socket.hasClosed()).toMatchObject({ code: 4403 });
    expect(socket.types()).toEqual(['SessionState', 'Kicked']);
    expect(socket.frames[1]?.data).toEqual({ by: host.userId, byName: host.userId, reason: null });
    await bystander.heard('UserRemoved');
    const reconnect = await listen(token);
    expect(await reconnect.hasClosed()).toMatchObject({ code: 4403 });
    expect(reconnect.types()).toEqual(['Kicked']);
  });

  it('goes on rising after an eviction', async () => {
    const socket = await listen(token);
    const { seq } = await socket.heard('SessionState');
    await evict();
    await joinAs(await signIn(`late-${round}`), room);
    expect((await socket.heard('UserAdded')).seq).toBeGreaterThan(seq);
  });

  it('tells everybody that the session is destroyed, and closes with 4410', async () => {
    const sockets = [await listen(token), await listen(room.token)];
    for (const socket of sockets) await socket.heard('SessionState');
    await call('DELETE', '/session/current', { token: room.token });
    for (const socket of sockets) {
      expect(await socket.hasClosed()).toMatchObject({ code: 4410 });
      expect(socket.frames.at(-1)).toMatchObject({ eventType: 'SessionDestroyed', data: {} });
    }
  });

  it('tells when a member joins again under another name, and not when nothing changes', async () => {
    const watcher = await listen(room.token);
    await watcher.heard('SessionState');
    await joinAs(client, room);
    await joinAs(client, room, { identity: { name: 'Renamed' } });
    await joinAs(client, room, { identity: { name: 'Renamed' } });
    const seat = { id: client.userId, role: 'Client', name: 'Renamed', address: null };
    expect((await watcher.heard('UserChanged')).data).toEqual(seat);
    const { users, userCount } = (await call('GET', '/session/current', { token })).body;
    expect(users).toContainEqual(seat);
    expect(userCount).toBe(2);
    expect(watcher.types()).toEqual(['SessionState', 'UserChanged']);
  });

  it('answers ping with pong, any number of times', async () => {
    const socket = await listen(token);
    for (let count = 0; count < 50; count += 1) socket.socket.send('ping');
    await socket.until(() => socket.texts.length === 50);
    expect(new Set(socket.texts)).toEqual(new Set(['pong']));
    expect(socket.closed).toBe(null);
  });

  it('takes the token from the subprotocols, as browsers send it', async () => {
    const response = await upgrade({
      'Sec-WebSocket-Protocol': `usher.v1, bearer.${token}`,
      Origin: 'http://localhost:8787',
    });
    expect(response.status).toBe(101);
    expect(response.headers.get('sec-websocket-protocol')).toBe('usher.v1');
    expect((await new Listener(response).heard('SessionState')).data.you.id).toBe(client.userId);
  });

  it('asks no origin of a client that sets Authorization, which no page can', async () => {
    for (const Origin of ['https://usher-on-a-phone.example', 'null', 'capacitor://localhost']) {
      const response = await upgrade({ Authorization: `Bearer ${token}`, Origin });
      expect(response.status).toBe(101);
      response.webSocket?.accept();
      response.webSocket?.close(1000);
    }
  });

  it('closes the oldest of six sockets with 4409', async () => {
    const sockets = [];
    for (let count = 0; count < 6; count += 1) {
      const socket = await listen(token);
      await socket.heard('SessionState');
      sockets.push(socket);
    }
    expect(await sockets[0]?.hasClosed()).toMatchObject({ code: 4409 });
    await kick();
    for (const socket of sockets.slice(1)) expect(await socket.hasClosed()).toMatchObject({ code: 4403 });
    expect(sockets[0]?.types()).not.toContain('Kicked');
  });

  it('answers a close at once, with its code', async () => {
    const socket = await listen(token);
    await socket.heard('SessionState');
    socket.socket.close(4000, 'bye');
    expect(await socket.hasClosed()).toMatchObject({ code: 4000 });
  });

  it('counts instead of naming while members change more than 20 times a second', async () => {
    const watcher = await listen(token);
    await watcher.heard('SessionState');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2_000 });
    const crowd = await Promise.all(
      Array.from({ length: 40 }, (_, index) => signIn(`crowd-${round}-${index}`)),
    );
    await Promise.all(crowd.map(user => joinAs(user, room)));
    const { data } = await watcher.until(() =>
      watcher.frames.find(frame => frame.eventType === 'MembersChanged' && frame.data.userCount === 42),
    );
    expect(data).toEqual({ userCount: 42 });
    const named = watcher.types().filter(type => type === 'UserAdded').length;
    expect(named).toBe(20);
  });
});

describe('refuses', () => {
  it('to open more than 60 sockets a minute: told why in a frame, and closed', async () => {
    for (let count = 0; count < 60; count += 1) await (await listen(token)).heard('SessionState');
    const refused = await listen(token);
    expect(await refused.hasClosed()).toMatchObject({ code: 4429 });
    expect(refused.frames).toMatchObject([
      { eventType: 'Refused', data: { code: 'too_many_sockets', retryAfter: expect.any(Number) } },
    ]);
    await (await listen(room.token)).heard('SessionState');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    await (await listen(token)).heard('SessionState');
  });

  it('a token in a subprotocol without usher.v1, and says what is missing', async () => {
    const answer = await upgrade({ 'Sec-WebSocket-Protocol': `bearer.${token}` });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('usher.v1') });
  });

  it('a flood with 1008, and a large frame with 1009', async () => {
    const flooding = await listen(token);
    for (let count = 0; count < 20; count += 1) flooding.socket.send('noise');
    flooding.socket.send('one too many');
    expect(await flooding.hasClosed()).toMatchObject({ code: 1008 });
    const heavy = await listen(token);
    heavy.socket.send('x'.repeat(4096));
    heavy.socket.send('x'.repeat(4097));
    expect(await heavy.hasClosed()).toMatchObject({ code: 1009 });
    const bytes = await listen(token);
    bytes.socket.send(new Uint8Array(4097));
    expect(await bytes.hasClosed()).toMatchObject({ code: 1009 });
  });

  it('a request that is no upgrade with 426', async () => {
    const answer = await call('GET', '/session/current/events', { token });
    expect(answer).toMatchObject({ status: 426, body: { code: 'upgrade_required' } });
    expect(answer.headers.get('upgrade')).toBe('websocket');
  });
});

describe('keeps out', () => {
  it('whoever has no member token, or one in the address', async () => {
    expect((await upgrade({})).status).toBe(401);
    for (const other of ['x', host.accessToken, host.refreshToken, `${token}x`]) {
      expect((await upgrade({ Authorization: `Bearer ${other}` })).status).toBe(401);
      expect((await upgrade({ 'Sec-WebSocket-Protocol': `usher.v1, bearer.${other}` })).status).toBe(401);
    }
    const inAddress = `/session/current/events?access_token=${token}`;
    expect((await upgrade({ Authorization: `Bearer ${token}` }, inAddress)).status).toBe(400);
    expect(
      (await upgrade({ Authorization: `Bearer ${token}`, 'Sec-WebSocket-Protocol': `bearer.${room.token}` }))
        .status,
    ).toBe(400);
  });

  it('pages of other origins (S45)', async () => {
    for (const Origin of [
      'https://evil.example',
      'null',
      'http://localhost:8787.evil.example',
      'http://localhost',
    ]) {
      const asPage = { 'Sec-WebSocket-Protocol': `usher.v1, bearer.${token}`, Origin };
      expect((await upgrade(asPage)).status).toBe(403);
    }
  });

  it('a client that names itself to the object', async () => {
    const forged = {
      'x-usher-member': JSON.stringify({ mid: 'x', sid: host.sid, subject: String(host.uid) }),
    };
    const socket = await listen(token, forged);
    expect((await socket.heard('SessionState')).data.you.id).toBe(client.userId);
  });

  it('who was signed out, who left, and who comes after the end: upgraded, told why, closed', async () => {
    const user = await signIn(`leaving-${round}`);
    const dead = await joinAs(user, room);
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    const signedOut = await listen(dead);
    expect(await signedOut.hasClosed()).toMatchObject({ code: 4401 });
    expect(signedOut.frames).toMatchObject([{ eventType: 'SignedOut', data: { reason: 'signed_out' } }]);
    await call('POST', '/session/disconnect', { token });
    const left = await listen(token);
    expect(await left.hasClosed()).toMatchObject({ code: 4401 });
    expect(left.frames).toMatchObject([{ eventType: 'SignedOut', data: { reason: 'left' } }]);
    await call('DELETE', '/session/current', { token: room.token });
    const late = await listen(room.token);
    expect(await late.hasClosed()).toMatchObject({ code: 4410 });
    expect(late.types()).toEqual(['SessionEnded']);
  });

  it('S46 a socket whose membership is gone without its close, at its next frame', async () => {
    const socket = await listen(token);
    await socket.heard('SessionState');
    await runInDurableObject(liveStub(room.sessionId), (_, { storage }) => {
      storage.sql.exec('DELETE FROM credentials WHERE sid = ?', client.sid);
    });
    socket.socket.send('hello');
    expect(await socket.hasClosed()).toMatchObject({ code: 4401 });
    expect(socket.types()).toEqual(['SessionState', 'SignedOut']);
  });

  it('the sockets of one device whose session ended, and not those of the other', async () => {
    const phone = await signIn(client.userId);
    const phoneSocket = await listen(await joinAs(phone, room));
    const laptopSocket = await listen(token);
    for (const socket of [phoneSocket, laptopSocket]) await socket.heard('SessionState');
    await call('DELETE', '/api/v5/sessions', { token: phone.accessToken });
    expect(await phoneSocket.hasClosed()).toMatchObject({ code: 4401 });
    laptopSocket.socket.send('ping');
    await laptopSocket.until(() => laptopSocket.texts.includes('pong'));
    expect(laptopSocket.closed).toBe(null);
  });
});
