/** A full session: a thousand members, a thousand sockets. Figures go to the log; none of them is asserted. */
import { expect, it } from 'vitest';
import { call, joinAs, openRoom, signIn } from '../support/client.ts';
import { type Listener, listen } from '../support/socket.ts';

const MEMBERS = 1_000;

async function inBatches<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += size) {
    results.push(...(await Promise.all(items.slice(from, from + size).map(work))));
  }
  return results;
}

it('kicks one of a thousand, and every socket hears it', async () => {
  const host = await signIn('thousand-host');
  const room = await openRoom(host, { userCapacity: MEMBERS });
  const names = Array.from({ length: MEMBERS - 1 }, (_, index) => `thousand-${index}`);
  const users = await inBatches(names, 20, name => signIn(name));
  const joinTimes: number[] = [];
  const tokens = await inBatches(users, 1, async user => {
    const begun = performance.now();
    const token = await joinAs(user, room);
    joinTimes.push(performance.now() - begun);
    return token;
  });
  const sockets = await inBatches(tokens, 20, token => listen(token));
  const ears: Listener[] = [await listen(room.token), ...sockets];
  await Promise.all(ears.map(ear => ear.heard('SessionState')));

  const begun = performance.now();
  const kicked = await call('POST', '/session/current/kick', {
    token: room.token,
    body: { userId: 'thousand-7' },
  });
  const answered = performance.now() - begun;
  expect(kicked.status).toBe(200);
  const [victim] = sockets.splice(7, 1);
  expect(await victim?.hasClosed()).toMatchObject({ code: 4403 });
  const isGone = ({ frames }: Listener) =>
    frames.some(({ eventType, data }) => eventType === 'UserRemoved' && data.id === 'thousand-7');
  await Promise.all([ears[0] as Listener, ...sockets].map(ear => ear.until(() => isGone(ear))));
  const heard = performance.now() - begun;
  expect((await call('GET', '/session/current', { token: room.token })).body.userCount).toBe(MEMBERS - 1);

  const median = (times: number[]) =>
    times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]?.toFixed(2);
  console.log(
    JSON.stringify({
      joinMsWithFewIn: median(joinTimes.slice(0, 100)),
      joinMsWithAllIn: median(joinTimes.slice(-100)),
      kickAnsweredMs: answered.toFixed(1),
      everybodyHeardMs: heard.toFixed(1),
    }),
  );
});
