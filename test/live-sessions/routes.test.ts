import { expect, it } from 'vitest';
import { call, joinAs, openRoom, signIn } from '../support/client.ts';
import { listen } from '../support/socket.ts';

it('runs', async () => {
  const host = await signIn('ada');
  const room = await openRoom(host);
  const bob = await signIn('bob');
  const token = await joinAs(bob, room);
  const ear = await listen(token);
  await ear.heard('SessionState');
  await call('POST', '/session/current/kick', { token: room.token, body: { userId: 'bob' } });
  expect(await ear.hasClosed()).toMatchObject({ code: 4403 });
});
