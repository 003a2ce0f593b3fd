/** What happens by the clock alone: I4, I5, I8. The clock is the real one, or Date moved by hand. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { call, join, joinAs, openRoom, signIn } from '../support/client.ts';
import { liveStub, openShortRoom, tablesOf } from '../support/objects.ts';
import { listen } from '../support/socket.ts';

afterEach(() => {
  vi.useRealTimers();
});

function moveClock(byMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });
}

const current = (token: string) => call('GET', '/session/current', { token });

it('I4 expires without traffic: notice, close, and nothing left', async () => {
  const host = await signIn('sleeper');
  const room = await openShortRoom(host, 3_000);
  const socket = await listen(room.token);
  expect(await socket.hasClosed()).toMatchObject({ code: 4410 });
  expect(socket.types()).toEqual(['SessionState', 'SessionExpiring', 'SessionExpired']);
  expect(await tablesOf(liveStub(room.sessionId))).toEqual([]);
  const reconnect = await listen(room.token);
  expect(await reconnect.hasClosed()).toMatchObject({ code: 4410 });
  expect(reconnect.types()).toEqual(['SessionEnded']);
});

it('I4 is over on any call at the instant, before the alarm came', async () => {
  const [host, client] = [await signIn('punctual'), await signIn('late')];
  const room = await openRoom(host, { expiryDurationInSeconds: 60 });
  const token = await joinAs(client, room);
  const { body } = await current(token);
  moveClock(59_000);
  expect((await current(token)).status).toBe(200);
  moveClock(1_001);
  expect((await current(token)).status).toBe(404);
  moveClock(60_000);
  expect((await current(room.token)).status).toBe(404);
  expect((await join(client, room.sessionId)).status).toBe(404);
  expect(await tablesOf(liveStub(room.sessionId))).toEqual([]);
  expect(body.expiresIn).toBeLessThanOrEqual(60);
});

it('warns 60 s before the end, once, and whoever connects later after the state', async () => {
  const host = await signIn('warned');
  const room = await openRoom(host, { expiryDurationInSeconds: 120 });
  const socket = await listen(room.token);
  await socket.heard('SessionState');
  moveClock(60_000);
  expect(await runDurableObjectAlarm(liveStub(room.sessionId))).toBe(true);
  expect((await socket.heard('SessionExpiring')).data.expiresIn).toBeGreaterThanOrEqual(59);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  const later = await listen(room.token);
  await later.heard('SessionExpiring');
  expect(later.types()).toEqual(['SessionState', 'SessionExpiring']);
  expect(socket.types()).toEqual(['SessionState', 'SessionExpiring']);
});

it('I5 lets an alarm that comes early or twice change nothing', async () => {
  const room = await openRoom(await signIn('early'));
  const socket = await listen(room.token);
  await socket.heard('SessionState');
  for (let run = 0; run < 3; run += 1)
    expect(await runDurableObjectAlarm(liveStub(room.sessionId))).toBe(true);
  expect((await current(room.token)).status).toBe(200);
  expect(socket.types()).toEqual(['SessionState']);
});

it('waits 300 s for somebody to return to an empty session, then ends', async () => {
  const [host, client] = [await signIn('leaver'), await signIn('finder')];
  const kept = await openRoom(host);
  const lost = await openRoom(host);
  for (const { token } of [kept, lost]) await call('POST', '/session/disconnect', { token });
  moveClock(299_000);
  const heir = await joinAs(client, kept);
  moveClock(1_001);
  await runDurableObjectAlarm(liveStub(lost.sessionId));
  expect(await tablesOf(liveStub(lost.sessionId))).toEqual([]);
  expect((await join(client, lost.sessionId)).status).toBe(404);
  await runDurableObjectAlarm(liveStub(kept.sessionId));
  expect((await current(heir)).body).toMatchObject({ hostId: 'finder', userCount: 1 });
  expect((await joinAs(host, kept)).length).toBeGreaterThan(0);
  expect((await current(heir)).body).toMatchObject({ hostId: 'finder', userCount: 2 });
});

it('I8 leaves nothing after a delete, and a join that races it brings nothing back', async () => {
  const host = await signIn('eraser');
  const users = await Promise.all(Array.from({ length: 10 }, (_, index) => signIn(`racer-${index}`)));
  for (let round = 0; round < 10; round += 1) {
    const room = await openRoom(host);
    const [deleted, ...joins] = await Promise.all([
      call('DELETE', '/session/current', { token: room.token }),
      ...users.map(user => join(user, room.sessionId)),
    ]);
    expect(deleted?.status).toBe(200);
    for (const { status, body } of joins) {
      expect([200, 404]).toContain(status);
      if (status === 200) expect((await current(body.credentials.token)).status).toBe(404);
    }
    expect(await tablesOf(liveStub(room.sessionId))).toEqual([]);
  }
});

it('leaves nothing behind where an unknown id is probed', async () => {
  const user = await signIn('prober');
  const room = await openRoom(user);
  const unknown = `${room.sessionId.slice(0, -64)}${room.sessionId}`;
  await call('DELETE', '/session/current', { token: room.token });
  expect((await join(user, unknown)).status).toBe(404);
  expect(await tablesOf(liveStub(unknown))).toEqual([]);
});
