/** I17, gone is gone: silent sockets, guests who left no word, a host who is away. Date is moved by hand. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, join, joinAs, openRoom, type Room, type SignedIn, signIn } from '../support/client.ts';
import { liveStub } from '../support/objects.ts';
import { type Listener, listen } from '../support/socket.ts';

let round = 0;
let host: SignedIn;
let heir: SignedIn;
let other: SignedIn;

beforeEach(async () => {
  round += 1;
  [host, heir, other] = (await Promise.all(
    ['host', 'heir', 'other'].map(name => signIn(`gone-${name}-${round}`)),
  )) as [SignedIn, SignedIn, SignedIn];
});

afterEach(() => {
  vi.useRealTimers();
});

const moveClock = (byMs: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });
const current = (token: string) => call('GET', '/session/current', { token });
const hostOf = async (token: string) => (await current(token)).body.hostId;
const leave = (token: string) => call('POST', '/session/disconnect', { token });
const kick = (token: string, userId: string) =>
  call('POST', '/session/current/kick', { token, body: { userId } });
const handOver = (token: string, userId: string) =>
  call('POST', '/session/current/host', { token, body: { userId } });
const ring = (room: Room) => runDurableObjectAlarm(liveStub(room.sessionId));
const alarmInMs = async (room: Room) =>
  ((await runInDurableObject(liveStub(room.sessionId), (_, { storage }) => storage.getAlarm())) ?? 0) -
  Date.now();
const hosts = (ear: Listener) =>
  ear.frames.filter(frame => frame.eventType === 'HostChanged').map(frame => frame.data.hostId);

async function connect(token: string): Promise<Listener> {
  const ear = await listen(token);
  await ear.heard('SessionState');
  return ear;
}

async function pinging(token: string): Promise<Listener> {
  const ear = await connect(token);
  ear.socket.send('ping');
  await ear.until(() => ear.texts.includes('pong'));
  return ear;
}

async function close(ear: Listener): Promise<void> {
  ear.socket.close(1000, 'bye');
  await ear.hasClosed();
}

/** A host who lost their socket, and a member who has one. */
async function roomOfTwo(rules: Record<string, unknown> = {}) {
  const room = await openRoom(host, rules);
  const heirToken = await joinAs(heir, room);
  const ear = await connect(heirToken);
  await close(await connect(room.token));
  return { room, heirToken, ear };
}

/** The same, once the role has passed. */
async function roomWithHostAway(rules: Record<string, unknown> = {}) {
  const made = await roomOfTwo(rules);
  moveClock(121_000);
  await ring(made.room);
  await made.ear.heard('HostChanged');
  return made;
}

describe('a silent socket', () => {
  it('is closed with 4408 once it is silent for 90 s, when the object runs, and one that never pinged is not', async () => {
    const room = await openRoom(host);
    const [pinged, never] = [await pinging(room.token), await connect(room.token)];
    moveClock(88_000);
    expect((await current(room.token)).status).toBe(200);
    expect(pinged.closed).toBe(null);
    moveClock(3_000);
    expect((await current(room.token)).status).toBe(200);
    expect(await pinged.hasClosed()).toMatchObject({ code: 4408 });
    expect(never.closed).toBe(null);
  });

  it('is none that sends other frames', async () => {
    const room = await openRoom(host);
    const ear = await pinging(room.token);
    moveClock(60_000);
    ear.socket.send('still here');
    ear.socket.send('ping');
    await ear.until(() => ear.texts.length === 2);
    moveClock(60_000);
    expect((await current(room.token)).status).toBe(200);
    expect(ear.closed).toBe(null);
  });

  it('is looked for by no alarm while nothing depends on it', async () => {
    const room = await openRoom(host);
    await pinging(room.token);
    expect(await alarmInMs(room)).toBeGreaterThan(3_000_000);
    await joinAs(heir, room);
    expect(await alarmInMs(room)).toBeGreaterThan(3_000_000);
  });

  it.each([
    { what: 'the host’s role', rules: {}, wakes: true },
    { what: 'a seat', rules: { hostTimeoutSeconds: 0, memberTimeoutSeconds: 3600 }, wakes: true },
    { what: 'nothing', rules: { hostTimeoutSeconds: 0 }, wakes: false },
  ])('is looked for at most once a minute where $what depends on it', async ({ rules, wakes }) => {
    const room = await openRoom(host, rules);
    const token = await joinAs(heir, room);
    for (const seat of [room.token, token]) await connect(seat);
    expect(await alarmInMs(room)).toBeGreaterThanOrEqual(wakes ? 58_000 : 3_000_000);
    if (!wakes) return;
    for (let minute = 0; minute < 3; minute += 1) {
      expect(await alarmInMs(room)).toBeLessThanOrEqual(90_000);
      moveClock(await alarmInMs(room));
      await ring(room);
      expect(await alarmInMs(room)).toBeGreaterThanOrEqual(59_000);
    }
  });

  it('of the host is found by the alarm, and the role passes', async () => {
    const room = await openRoom(host);
    const ear = await connect(await joinAs(heir, room));
    const silent = await pinging(room.token);
    moveClock(91_000);
    await ring(room);
    expect(await silent.hasClosed()).toMatchObject({ code: 4408 });
    moveClock(120_000);
    await ring(room);
    expect((await ear.heard('HostChanged')).data).toEqual({ hostId: heir.userId });
  });
});

describe('a guest', () => {
  const guestIn = async (room: Room, network = '203.0.113.9') => {
    const { body } = await call('POST', '/api/sessions', { body: { identifier: 'tv' } });
    const answer = await call('POST', '/session/join', {
      token: body.data.token,
      body: { sessionId: room.sessionId },
      headers: { 'cf-connecting-ip': network },
    });
    return { status: answer.status, token: answer.body.credentials?.token as string };
  };

  it('loses the seat 60 s after the last socket', async () => {
    const room = await openRoom(host, { allowGuests: true });
    const watcher = await connect(room.token);
    const { token } = await guestIn(room);
    const [first, second] = [await connect(token), await connect(token)];
    await close(first);
    moveClock(61_000);
    await ring(room);
    expect((await current(token)).status).toBe(200);
    await close(second);
    moveClock(59_000);
    await ring(room);
    expect((await current(token)).status).toBe(200);
    moveClock(2_000);
    await ring(room);
    expect((await watcher.heard('UserRemoved')).data).toMatchObject({ reason: 'timeout' });
    expect((await current(token)).status).toBe(401);
  });

  it('keeps it with a new socket in time', async () => {
    const room = await openRoom(host, { allowGuests: true });
    const { token } = await guestIn(room);
    await close(await connect(token));
    moveClock(59_000);
    await connect(token);
    moveClock(61_000);
    await ring(room);
    expect((await current(token)).status).toBe(200);
  });

  it('loses it 300 s after the last call, where there never was a socket', async () => {
    const room = await openRoom(host, { allowGuests: true });
    const { token } = await guestIn(room);
    for (let call = 0; call < 2; call += 1) {
      moveClock(299_000);
      await ring(room);
      expect((await current(token)).status).toBe(200);
    }
    moveClock(301_000);
    expect((await current(token)).status).toBe(401);
  });

  it('who reloads the page five times shuts no one of the network out', async () => {
    const room = await openRoom(host, { allowGuests: true });
    for (let reload = 0; reload < 5; reload += 1) {
      const { token } = await guestIn(room);
      await close(await connect(token));
    }
    expect((await guestIn(room)).status).toBe(409);
    moveClock(61_000);
    const { status, token } = await guestIn(room);
    expect(status).toBe(200);
    expect((await current(token)).body.userCount).toBe(2);
  });

  it('whose socket is silent is found by the alarm', async () => {
    const room = await openRoom(host, { allowGuests: true });
    const { token } = await guestIn(room);
    const ear = await pinging(token);
    moveClock(91_000);
    await ring(room);
    expect(await ear.hasClosed()).toMatchObject({ code: 4408 });
    moveClock(61_000);
    await ring(room);
    expect((await current(token)).status).toBe(401);
  });
});

describe('a host who is away', () => {
  it('passes the role to the longest-standing member with a socket, after 120 s', async () => {
    const room = await openRoom(host);
    await joinAs(other, room);
    const heirToken = await joinAs(heir, room);
    const ear = await connect(heirToken);
    await close(await connect(room.token));
    moveClock(119_000);
    await ring(room);
    expect(await hostOf(heirToken)).toBe(host.userId);
    moveClock(1_500);
    await ring(room);
    expect((await ear.heard('HostChanged')).data).toEqual({ hostId: heir.userId });
    const { users } = (await current(heirToken)).body;
    expect(users.filter((user: { role: string }) => user.role === 'Host')).toHaveLength(1);
    expect(users).toHaveLength(3);
  });

  it('passes at the instant on a call of another, before the alarm came', async () => {
    const { heirToken } = await roomOfTwo();
    moveClock(120_000);
    expect(await hostOf(heirToken)).toBe(heir.userId);
  });

  it('keeps the role where no other has a socket, until one has', async () => {
    const room = await openRoom(host);
    const heirToken = await joinAs(heir, room);
    await close(await connect(room.token));
    moveClock(500_000);
    expect(await hostOf(heirToken)).toBe(host.userId);
    const ear = await connect(heirToken);
    expect(ear.frames[0]?.data).toMatchObject({ hostId: heir.userId, you: { role: 'Host' } });
  });

  it('keeps it where they never had a socket, are calling, or the rule is 0', async () => {
    const silent = await openRoom(host);
    await connect(await joinAs(heir, silent));
    const { room: calling, ear } = await roomOfTwo();
    const { room: patient } = await roomOfTwo({ hostTimeoutSeconds: 0 });
    moveClock(100_000);
    expect((await current(calling.token)).status).toBe(200);
    moveClock(100_000);
    for (const room of [silent, calling, patient]) {
      await ring(room);
      expect(await hostOf(room.token)).toBe(host.userId);
    }
    expect(hosts(ear)).toEqual([]);
  });

  it('is given the time the rule says, also by a change', async () => {
    const { room, heirToken } = await roomOfTwo({ hostTimeoutSeconds: 600 });
    moveClock(500_000);
    expect(await hostOf(heirToken)).toBe(host.userId);
    await call('PATCH', '/session/current', {
      token: room.token,
      body: { rules: { hostTimeoutSeconds: 30 } },
    });
    moveClock(29_000);
    expect(await hostOf(heirToken)).toBe(host.userId);
    moveClock(1_500);
    expect(await hostOf(heirToken)).toBe(heir.userId);
  });

  it.each(['call', 'socket', 'join'])('has it back with the next %s', async how => {
    const { room, heirToken, ear } = await roomWithHostAway();
    await evictDurableObject(liveStub(room.sessionId));
    if (how === 'call') expect((await current(room.token)).body.hostId).toBe(host.userId);
    else if (how === 'socket') expect((await connect(room.token)).frames[0]?.data.you.role).toBe('Host');
    else await joinAs(host, room);
    await ear.until(() => hosts(ear).length === 2);
    expect(hosts(ear)).toEqual([heir.userId, host.userId]);
    expect(await hostOf(heirToken)).toBe(host.userId);
    expect((await kick(heirToken, host.userId)).body.code).toBe('not_host');
  });

  it('cannot be kicked, and the role is not handed over meanwhile', async () => {
    const { room, heirToken } = await roomWithHostAway();
    await joinAs(other, room);
    expect(await kick(heirToken, host.userId)).toMatchObject({ status: 403, body: { code: 'host_away' } });
    expect(await handOver(heirToken, other.userId)).toMatchObject({
      status: 403,
      body: { code: 'host_away' },
    });
    expect((await kick(heirToken, other.userId)).status).toBe(200);
    expect((await join(host, room.sessionId)).body.credentials.role).toBe('Host');
  });

  it('acts first or second when both act at once, and never both', async () => {
    const { room, heirToken } = await roomWithHostAway();
    const [byHeir, byHost] = await Promise.all([kick(heirToken, host.userId), kick(room.token, heir.userId)]);
    expect(byHost.status).toBe(200);
    expect(['host_away', 'not_host', 'membership_ended']).toContain(byHeir.body.code);
    expect((await current(room.token)).body).toMatchObject({ hostId: host.userId, userCount: 1 });
  });

  it('who loses the seat by silence has it back within 300 s, and not later', async () => {
    for (const [afterMs, role] of [
      [299_000, 'Host'],
      [301_000, 'Client'],
    ] as const) {
      const { room, heirToken } = await roomWithHostAway({ memberTimeoutSeconds: 150 });
      moveClock(30_000);
      await ring(room);
      expect((await current(heirToken)).body.userCount).toBe(1);
      moveClock(afterMs);
      expect((await join(host, room.sessionId)).body.credentials.role).toBe(role);
    }
  });

  it('who leaves does not have it back, and nobody hears of a change', async () => {
    const { room, heirToken, ear } = await roomWithHostAway();
    expect((await leave(room.token)).status).toBe(200);
    expect((await join(host, room.sessionId)).body.credentials.role).toBe('Client');
    await ear.heard('UserAdded');
    expect(hosts(ear)).toEqual([heir.userId]);
    expect((await handOver(heirToken, host.userId)).status).toBe(200);
  });

  it('who signs out does not have it back, whether in or timed out', async () => {
    for (const rules of [{}, { memberTimeoutSeconds: 150 }]) {
      const { room, heirToken } = await roomWithHostAway(rules);
      moveClock(30_000);
      await ring(room);
      await call('DELETE', '/api/v5/sessions', { token: host.accessToken });
      host = await signIn(host.userId);
      expect((await join(host, room.sessionId)).body.credentials.role).toBe('Client');
      expect((await kick(heirToken, host.userId)).status).toBe(200);
    }
  });

  it('has it back when the one who stood for them is the only other and leaves', async () => {
    const { room, heirToken } = await roomWithHostAway();
    await leave(heirToken);
    const next = await joinAs(other, room);
    expect(await hostOf(next)).toBe(host.userId);
  });

  it('is the first of two, where the one who stood for them goes silent, too', async () => {
    const { room, heirToken, ear } = await roomWithHostAway();
    const otherToken = await joinAs(other, room);
    await connect(otherToken);
    await close(ear);
    moveClock(121_000);
    await ring(room);
    expect(await hostOf(otherToken)).toBe(other.userId);
    expect(await hostOf(heirToken)).toBe(other.userId);
    expect(await hostOf(room.token)).toBe(host.userId);
  });
});

it('shows the rule wherever rules are shown', async () => {
  const room = await openRoom(host);
  expect((await current(room.token)).body.hostTimeoutSeconds).toBe(120);
  const ear = await connect(room.token);
  expect(ear.frames[0]?.data.hostTimeoutSeconds).toBe(120);
  const body = { rules: { hostTimeoutSeconds: 0 } };
  const changed = await call('PATCH', '/session/current', { token: room.token, body });
  expect(changed).toMatchObject({ status: 200, body: { hostTimeoutSeconds: 0 } });
  expect((await ear.heard('RulesChanged')).data.hostTimeoutSeconds).toBe(0);
});

it('refuses a time that is no number of seconds it takes', async () => {
  const room = await openRoom(host);
  for (const hostTimeoutSeconds of [-1, 1, 29, 3601, 30.5, '60']) {
    const body = { rules: { hostTimeoutSeconds } };
    expect(await call('PATCH', '/session/current', { token: room.token, body })).toMatchObject({
      status: 400,
    });
  }
});
