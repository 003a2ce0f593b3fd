/**
 * When a client's close event comes: right after the close frame where the client has sent a text before, late where it
 * never did. The last frame comes at once to both, so a client acts on the frame.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { type Usher, usherAt } from './support/people.ts';
import { until } from './support/until.ts';

const PASSWORD = 'open sesame';

const laptop = makeLaptop();
let server: DevServer;
let usher: Usher;

beforeAll(async () => {
  server = await startDevServer(await freePort(), laptop);
  usher = usherAt(server.url, await keysOf(laptop));
});

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

/** A socket of Node's own, which is built like those of browsers, and when its last frame and its close event came. */
async function connect(seat: string, { ping }: { ping: boolean }) {
  const address = `${server.url.replace('http', 'ws')}/session/current/events`;
  const socket = new WebSocket(address, ['usher.v1', `bearer.${seat}`]);
  const heard: { texts: string[]; kickedAt: number | null; closed: { at: number; code: number } | null } = {
    texts: [],
    kickedAt: null,
    closed: null,
  };
  socket.addEventListener('open', () => {
    if (ping) socket.send('ping');
  });
  socket.addEventListener('message', ({ data }) => {
    heard.texts.push(data);
    if (String(data).includes('"Kicked"')) heard.kickedAt = performance.now();
  });
  socket.addEventListener('close', ({ code }) => {
    heard.closed = { at: performance.now(), code };
  });
  await until('the first frame', () => heard.texts.some(text => text.includes('SessionState')));
  if (ping) await until('the pong', () => heard.texts.includes('pong'));
  return heard;
}

it('closes the socket of a client that pinged soon, and tells one that never sent anything as soon', async () => {
  const room = await usher.open(await usher.signIn('ada'), { password: PASSWORD });
  const seats = await Promise.all(
    ['pinging', 'silent'].map(async name => usher.sit(await usher.signIn(name), room.sessionId, PASSWORD)),
  );
  const [pinging, silent] = await Promise.all([
    connect(seats[0] ?? '', { ping: true }),
    connect(seats[1] ?? '', { ping: false }),
  ]);
  for (const name of ['silent', 'pinging']) await usher.kick(room.seat, name, 'closing time');

  await until('both hear the kick', () => pinging.kickedAt && silent.kickedAt);
  await until('the pinging one closes', () => pinging.closed);
  // The silent one was kicked first, and its event has not come yet.
  expect(silent.closed).toBeNull();
  await until('the silent one closes', () => silent.closed);
  expect(pinging.closed?.code).toBe(4403);
  expect(silent.closed?.code).toBe(4403);
  const waited = (heard: typeof pinging) => (heard.closed?.at ?? 0) - (heard.kickedAt ?? 0);
  expect(waited(pinging)).toBeLessThan(waited(silent));
});
