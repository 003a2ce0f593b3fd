/** An end that stands reaches the live sessions, whatever happens on the way. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { visitorOf } from '../../src/live-sessions/rules.ts';
import { call, join, joinAs, keys, openRoom, type Room, signIn } from '../support/client.ts';
import { deviceObject, deviceStub, liveObject, liveStub, recordOf } from '../support/objects.ts';
import { until } from '../support/until.ts';

afterEach(() => {
  vi.useRealTimers();
});

const current = (token: string) => call('GET', '/session/current', { token });

/** Keeps a live session from answering anybody until released (or aborted). */
function hold(room: Room): { release: () => void } {
  let release = () => {};
  const gate = new Promise<void>(resolve => {
    release = resolve;
  });
  const held = runInDurableObject(liveStub(room.sessionId), (_, state) => {
    void state.blockConcurrencyWhile(() => gate).catch(() => {});
  });
  void held.catch(() => {});
  return { release: () => release() };
}

const outboxOf = (uid: number): Promise<number> =>
  runInDurableObject(
    deviceStub(uid),
    (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM outbox').one().n,
  );

it('answers 503 while a live session does not answer, and the end stands all the same', async () => {
  const room = await openRoom(await signIn('host-503'));
  const user = await signIn('ending-503');
  const token = await joinAs(user, room);
  const held = hold(room);
  const ended = await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
  expect(ended).toMatchObject({ status: 503, body: { status: 'error', code: 500000 } });
  expect(ended.headers.get('retry-after')).toBe('2');
  expect((await call('GET', '/api/v5/sessions', { token: user.accessToken })).status).toBe(401);
  held.release();
  expect((await current(token)).status).toBe(401);
  await until(async () => (await outboxOf(user.uid)) === 0);
});

it('answers an ending asked for again by the truth: 503 until every live session has heard', async () => {
  const room = await openRoom(await signIn('host-again'));
  const user = await signIn('ending-again');
  const token = await joinAs(user, room);
  const held = hold(room);
  const asServer = { headers: { 'x-server-key': keys.secretKey } };
  const path = '/api/v5/sessions/users/ending-again';
  expect((await call('DELETE', path, asServer)).status).toBe(503);
  expect((await call('DELETE', path, asServer)).status).toBe(503);
  expect((await call('PUT', '/v1/users/ending-again/ban', { ...asServer, body: {} })).status).toBe(503);
  held.release();
  await until(async () => (await call('DELETE', path, asServer)).status === 200);
  expect((await current(token)).status).toBe(401);
}, 60_000);

it('signs in although the earlier session of the device has not ended everywhere, and goes on ending it', async () => {
  const room = await openRoom(await signIn('host-replaced'));
  const user = await signIn('replaced-held', 'laptop');
  const token = await joinAs(user, room);
  const held = hold(room);
  const again = await deviceObject(user.uid).open({
    record: recordOf(user),
    deviceId: 'laptop',
    deviceInfo: {},
    ipAddress: null,
    openedBy: 'account',
    proof: 'password',
    absoluteMs: 100_000,
    accessMs: 1_000,
    idleMs: null,
    kid: 'any',
  });
  if (!again.ok) throw new Error(again.code);
  expect((await call('GET', '/api/v5/sessions', { token: user.accessToken })).status).toBe(401);
  expect((await deviceObject(user.uid).standing({ sid: again.value.session.id, jti: '' })).ok).toBe(true);
  held.release();
  await until(async () => (await outboxOf(user.uid)) === 0);
  expect((await current(token)).status).toBe(401);
});

it('answers a revocation asked for again by the truth, too', async () => {
  const room = await openRoom(await signIn('host-revoked'));
  const user = await signIn('revoked-held');
  const token = await joinAs(user, room);
  const held = hold(room);
  const revoke = () =>
    call('POST', '/oauth2/revoke', {
      body: `token=${user.accessToken}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  expect((await revoke()).status).toBe(503);
  expect((await revoke()).status).toBe(503);
  held.release();
  await until(async () => (await revoke()).status === 200);
  expect((await current(token)).status).toBe(401);
});

it('does not let one live session that hangs keep its members from others at the cap', async () => {
  const user = await signIn('capped');
  const rooms = [];
  for (let index = 0; index < 20; index += 1) rooms.push(await openRoom(user));
  const [first, second] = rooms as [Room, Room];
  const held = hold(first);
  await call('POST', '/session/disconnect', { token: second.token });
  const other = await openRoom(await signIn('capped-host'));
  expect((await join(user, other.sessionId)).status).toBe(200);
  held.release();
});

it('keeps the note of a join made after the one that is withdrawn', async () => {
  const user = await signIn('withdrawing');
  const room = await openRoom(await signIn('withdrawing-host'));
  const early = await deviceObject(user.uid).noteJoin({ sid: user.sid, jti: '' }, room.sessionId);
  if (!early.ok) throw new Error(early.code);
  await runInDurableObject(deviceStub(user.uid), (_, { storage }) => {
    storage.sql.exec('DELETE FROM notes');
  });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 });
  const token = await joinAs(user, room);
  await deviceObject(user.uid).withdrawJoin(user.sid, room.sessionId, early.value.notedAt);
  await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
  expect((await current(token)).status).toBe(401);
});

it('loses no end to a crash between the outbox and the live session', async () => {
  const room = await openRoom(await signIn('host-crash'));
  const user = await signIn('ending-crash');
  const token = await joinAs(user, room);
  hold(room);
  const answer = call('DELETE', '/api/v5/sessions', { token: user.accessToken }).catch(() => null);
  await until(async () => (await outboxOf(user.uid)) === 1);
  await abortAllDurableObjects();
  await answer;
  expect(await outboxOf(user.uid)).toBe(1);
  expect((await current(token)).status).toBe(200);
  expect(await runDurableObjectAlarm(deviceStub(user.uid))).toBe(true);
  expect((await current(token)).status).toBe(401);
  expect(await outboxOf(user.uid)).toBe(0);
});

it('refuses a join that was approved before the end and arrives after it', async () => {
  const room = await openRoom(await signIn('host-tomb'));
  const user = await signIn('ending-tomb');
  const noted = await deviceObject(user.uid).noteJoin({ sid: user.sid, jti: '' }, room.sessionId);
  if (!noted.ok) throw new Error(noted.code);
  await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
  const admitted = await liveObject(room.sessionId).admit({
    sid: user.sid,
    visitor: visitorOf(recordOf(user)),
    notedAt: noted.value.notedAt,
    identity: { name: null, chainAddress: null },
    passwords: [],
  });
  expect(admitted).toEqual({ ok: false, code: 'session_ended' });
  expect((await current(room.token)).body.userCount).toBe(1);
});

it('ends the memberships of a device session that runs out by itself', async () => {
  const user = await signIn('idle');
  const start = Date.now();
  const at = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: start + ms });
  const week = 7 * 86_400_000;
  at(week - 3_600_000);
  const late = await signIn('host-idle');
  const room = await openRoom(late, { expiryDurationInSeconds: 604_800 });
  const again = await deviceObject(user.uid).noteJoin({ sid: user.sid, jti: '' }, room.sessionId);
  expect(again.ok).toBe(true);
  const admitted = await liveObject(room.sessionId).admit({
    sid: user.sid,
    visitor: visitorOf(recordOf(user)),
    notedAt: Date.now(),
    identity: { name: null, chainAddress: null },
    passwords: [],
  });
  expect(admitted.ok).toBe(true);
  at(week - 60_000);
  await runDurableObjectAlarm(deviceStub(user.uid));
  expect((await current(room.token)).body.userCount).toBe(2);
  at(week + 60_000);
  expect((await deviceObject(user.uid).standing({ sid: user.sid, jti: '' })).ok).toBe(false);
  await runDurableObjectAlarm(deviceStub(user.uid));
  expect((await current(room.token)).body.userCount).toBe(1);
});

it('forgets live sessions that are over when the cap is reached', async () => {
  const user = await signIn('forgetting');
  for (let index = 0; index < 25; index += 1) {
    const room = await openRoom(user);
    await call('DELETE', '/session/current', { token: room.token });
  }
  const noted = await runInDurableObject(
    deviceStub(user.uid),
    (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM notes').one().n,
  );
  expect(noted).toBeLessThanOrEqual(20);
});

it('takes back the note of a refused join, and keeps that of a standing membership', async () => {
  const room = await openRoom(await signIn('host-note'), { password: 'sesame' });
  const user = await signIn('noting');
  const notes = () =>
    runInDurableObject(deviceStub(user.uid), (_, { storage }) =>
      storage.sql
        .exec<{ claims: number }>('SELECT claims FROM notes')
        .toArray()
        .map(row => row.claims),
    );
  await join(user, room.sessionId, { password: 'wrong' });
  await until(async () => (await notes()).length === 0);
  await joinAs(user, room, { password: 'sesame' });
  await join(user, room.sessionId, { password: 'wrong' });
  await until(async () => (await notes()).join() === '1');
});

it('keeps the newer copy of a record, and lets a sign-in that read an older one try again', async () => {
  const user = await signIn('copied');
  const stale = await deviceObject(user.uid).open({
    record: { ...recordOf(user), version: 0 },
    deviceId: 'd',
    deviceInfo: {},
    ipAddress: null,
    openedBy: 'sdk',
    proof: 'userId',
    absoluteMs: 1_000,
    accessMs: 1_000,
    idleMs: null,
    kid: 'any',
  });
  expect(stale).toEqual({ ok: false, code: 'stale_record' });
  const names = Array.from({ length: 12 }, (_, index) => `Name ${index}`);
  const answers = await Promise.all(
    names.map((displayName, index) =>
      call('POST', '/api/v5/sessions', {
        key: keys.publishableKey,
        body: { userId: 'copied', deviceId: `d${index}`, displayName },
      }),
    ),
  );
  expect(answers.map(answer => answer.status).filter(status => status !== 200 && status !== 503)).toEqual([]);
  expect(answers.some(answer => answer.status === 200)).toBe(true);
  await until(async () => {
    const row = await env.DB.prepare(
      "SELECT version, copiedVersion FROM users WHERE userId = 'copied'",
    ).first();
    return row?.version === row?.copiedVersion;
  });
});
