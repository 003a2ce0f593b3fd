/** `memberTimeoutSeconds`: who shows no sign of life loses the seat. Date is moved by hand. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { call, claimsOf, joinAs, openRoom, signIn } from '../support/client.ts';
import { liveObject, liveStub } from '../support/objects.ts';
import { listen } from '../support/socket.ts';

afterEach(() => {
  vi.useRealTimers();
});

const current = (token: string) => call('GET', '/session/current', { token });
const moveClock = (byMs: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });

it('takes the seat of a silent member, tells the others why, and lets them join again', async () => {
  const [host, silent] = [await signIn('timeout-host'), await signIn('timeout-silent')];
  const room = await openRoom(host, { memberTimeoutSeconds: 30 });
  const token = await joinAs(silent, room);
  const watcher = await listen(room.token);
  await watcher.heard('SessionState');
  moveClock(29_000);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect(watcher.types()).toEqual(['SessionState']);
  moveClock(1_500);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect((await watcher.heard('UserRemoved')).data).toMatchObject({
    id: 'timeout-silent',
    reason: 'timeout',
  });
  expect((await current(token)).status).toBe(401);
  const again = await joinAs(silent, room);
  expect((await current(again)).body.userCount).toBe(2);
});

it('counts a call and an open socket as signs of life, and from its loss on the whole time', async () => {
  const [host, caller, listener] = [
    await signIn('life-host'),
    await signIn('life-caller'),
    await signIn('life-listener'),
  ];
  const room = await openRoom(host, { memberTimeoutSeconds: 30 });
  const hostSocket = await listen(room.token);
  const [calling, listening] = [await joinAs(caller, room), await joinAs(listener, room)];
  const socket = await listen(listening);
  await socket.heard('SessionState');
  moveClock(20_000);
  expect((await current(calling)).status).toBe(200);
  moveClock(20_000);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect((await current(room.token)).body.userCount).toBe(3);
  socket.socket.close(1000, 'bye');
  await socket.hasClosed();
  moveClock(29_000);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect((await current(room.token)).body.users.map((user: { id: string }) => user.id)).toContain(
    'life-listener',
  );
  moveClock(1_500);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect((await hostSocket.heard('UserRemoved')).data.reason).toBe('timeout');
  expect((await current(room.token)).body.userCount).toBe(1);
});

it('is over at the instant on a call, before the alarm came, and for a host like for anybody', async () => {
  const [host, heir] = [await signIn('late-host'), await signIn('late-heir')];
  const room = await openRoom(host, { memberTimeoutSeconds: 30 });
  const token = await joinAs(heir, room);
  const socket = await listen(token);
  await socket.heard('SessionState');
  moveClock(30_000);
  expect((await current(room.token)).status).toBe(401);
  expect((await socket.heard('HostChanged')).data).toEqual({ hostId: 'late-heir' });
});

it('counts a re-join and an upload on its way as signs of life', async () => {
  const [host, member] = [await signIn('rejoin-host'), await signIn('rejoin-member')];
  const room = await openRoom(host, { memberTimeoutSeconds: 30 });
  await listen(room.token);
  const token = await joinAs(member, room);
  moveClock(29_000);
  const again = await joinAs(member, room);
  moveClock(29_000);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect((await current(again)).status).toBe(200);
  const { mid, sid } = claimsOf(token) as { mid: string; sid: string };
  const file = { fileName: 'x', contentType: 'text/plain', sizeInBytes: 1 };
  const reserved = await liveObject(room.sessionId).reserveFile(
    { mid, sid, subject: String(member.uid) },
    file,
  );
  if (!reserved.ok) throw new Error(reserved.code);
  moveClock(31_000);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  const committed = await liveObject(room.sessionId).commitFile(
    { mid, sid, subject: String(member.uid) },
    reserved.value.fileKey,
  );
  expect(committed.ok).toBe(true);
});

it('gives whoever was connected the whole timeout to come back after a crash', async () => {
  const [host, member] = [await signIn('crash-host'), await signIn('crash-member')];
  const room = await openRoom(host, { memberTimeoutSeconds: 30 });
  const token = await joinAs(member, room);
  for (const ear of [await listen(room.token), await listen(token)]) await ear.heard('SessionState');
  moveClock(29_000);
  await abortAllDurableObjects();
  moveClock(1_500);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  for (const seat of [room.token, token]) expect((await current(seat)).status).toBe(200);
});

it('wakes for nobody who is connected', async () => {
  const room = await openRoom(await signIn('hibernating'), { memberTimeoutSeconds: 30 });
  const ear = await listen(room.token);
  await ear.heard('SessionState');
  await runDurableObjectAlarm(liveStub(room.sessionId));
  const at = await runInDurableObject(liveStub(room.sessionId), (_, { storage }) => storage.getAlarm());
  expect((at ?? 0) - Date.now()).toBeGreaterThan(60_000);
});

it('spares whoever is connected when the host sets a timeout', async () => {
  const [host, member] = [await signIn('setting-host'), await signIn('setting-member')];
  const room = await openRoom(host);
  const token = await joinAs(member, room);
  const ear = await listen(token);
  await ear.heard('SessionState');
  await call('PATCH', '/session/current', {
    token: room.token,
    body: { rules: { memberTimeoutSeconds: 30 } },
  });
  moveClock(31_000);
  await runDurableObjectAlarm(liveStub(room.sessionId));
  expect((await current(token)).body).toMatchObject({ userCount: 1, hostId: 'setting-member' });
});
