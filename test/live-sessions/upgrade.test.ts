/** A live session made by an earlier release goes on under this one: S57. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { call, join, joinAs, openRoom, signIn } from '../support/client.ts';
import { liveStub } from '../support/objects.ts';
import { listen } from '../support/socket.ts';
import { earlierSchemas, takeBackTo } from './earlier-schemas.ts';

const current = (token: string) => call('GET', '/session/current', { token });

it.each(earlierSchemas)('plays join, kick, leave, sign-out, files and events on $name', async schema => {
  const slug = schema.name.replaceAll(' ', '-');
  const [host, member, late] = await Promise.all(
    ['host', 'member', 'late'].map(name => signIn(`${slug}-${name}`)),
  );
  if (!host || !member || !late) throw new Error('not signed in');
  const room = await openRoom(host);
  const token = await joinAs(member, room);
  await runInDurableObject(liveStub(room.sessionId), (_, { storage }) => takeBackTo(schema, storage));
  await evictDurableObject(liveStub(room.sessionId));
  await abortAllDurableObjects();

  expect((await current(token)).body).toMatchObject({ userCount: 2, hostId: host.userId });
  const socket = await listen(room.token);
  await socket.heard('SessionState');
  const lateToken = await joinAs(late, room);
  expect((await socket.heard('UserAdded')).data).toMatchObject({ id: late.userId });
  const file = await call('POST', '/session/current/files', {
    token,
    body: 'bytes',
    headers: { 'file-name': 'note.txt', 'content-type': 'text/plain', 'content-length': '5' },
  });
  expect(file.status).toBe(200);
  const kick = await call('POST', '/session/current/kick', {
    token: room.token,
    body: { userId: member.userId },
  });
  expect(kick.status).toBe(200);
  expect(await join(member, room.sessionId)).toMatchObject({ status: 403, body: { code: 'member_kicked' } });
  expect((await call('DELETE', '/api/v5/sessions', { token: late.accessToken })).status).toBe(200);
  expect((await current(lateToken)).status).toBe(401);
  expect(
    await call('PATCH', '/session/current', {
      token: room.token,
      body: { rules: { memberTimeoutSeconds: 30 } },
    }),
  ).toMatchObject({ status: 200 });
  expect((await call('POST', '/session/disconnect', { token: room.token })).status).toBe(200);
  expect((await current(room.token)).status).toBe(401);
});
