/** I16: sockets that never read cost a bounded memory, whatever a session sends. Beside them, the same ones reading. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { workerdRss } from './support/memory.ts';
import { type Usher, usherAt } from './support/people.ts';
import { until } from './support/until.ts';

const laptop = makeLaptop();
const SOCKETS = 5;
const UPLOADERS = 6;
const UPLOADS_EACH = 130;
/** As much as one frame may hold of what members choose. */
const LONG_NAME = encodeURIComponent('🙂'.repeat(255));
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

/** A WebSocket over bare TCP that reads only when it is told to, and counts what comes. */
class Counter {
  bytes = 0;
  tail = Buffer.alloc(0);
  opened = false;
  readonly socket: Socket;

  constructor(token: string) {
    const { hostname, port, host } = new URL(server.url);
    this.socket = connect({ host: hostname, port: Number(port) });
    this.socket.on('error', () => {});
    this.socket.on('data', chunk => {
      this.opened = true;
      this.bytes += chunk.length;
      this.tail = Buffer.concat([this.tail, chunk]).subarray(-200);
      if (!this.reads) this.socket.pause();
    });
    const lines = [
      'GET /session/current/events HTTP/1.1',
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `Authorization: Bearer ${token}`,
    ];
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  reads = false;

  read(): void {
    this.reads = true;
    this.socket.resume();
  }
}

/** More than 20 files in a second would be told in one frame. */
const UPLOADS_A_SECOND = 18;

/** Lets callers go on one after another, so many in a second. */
function makePacer(aSecond: number): () => Promise<void> {
  let next = 0;
  return async () => {
    const at = Math.max(next, Date.now());
    next = at + 1_000 / aSecond;
    await delay(at - Date.now());
  };
}

/** What a session with five sockets sends, and the memory before and after it. */
async function measure(reading: boolean): Promise<{ counters: Counter[]; grew: number }> {
  const host = await usher.signIn(`host-${reading}`);
  const room = await usher.open(host, { maxFiles: 1_000 });
  const ear = await usher.sit(await usher.signIn(`ear-${reading}`), room.sessionId, 'none');
  const seats = await Promise.all(
    Array.from({ length: UPLOADERS }, async (_, index) =>
      usher.sit(await usher.signIn(`uploader-${reading}-${index}`), room.sessionId, 'none'),
    ),
  );
  const counters = Array.from({ length: SOCKETS }, () => new Counter(ear));
  await until('the sockets are open', () => counters.every(({ opened }) => opened));
  if (reading) for (const counter of counters) counter.read();
  const turn = makePacer(UPLOADS_A_SECOND);
  const before = workerdRss(server.run);
  await Promise.all(
    seats.map(async seat => {
      for (let sent = 0; sent < UPLOADS_EACH; sent += 1) {
        await turn();
        const response = await fetch(`${server.url}/session/current/files`, {
          method: 'POST',
          body: 'x',
          headers: {
            authorization: `Bearer ${seat}`,
            'file-name': LONG_NAME,
            'content-type': `text/plain;x=${'y'.repeat(230)}`,
          },
        });
        await response.arrayBuffer();
      }
    }),
  );
  return { counters, grew: workerdRss(server.run) - before };
}

it('sends a socket that never reads a mebibyte at most, and closes it with 4408', async () => {
  const read = await measure(true);
  const deaf = await measure(false);
  for (const counter of deaf.counters) counter.read();
  for (const counter of deaf.counters) {
    await until(
      'the rest arrives',
      () => counter.tail.includes(Buffer.from([0x11, 0x38])) || counter.bytes > 500_000,
    );
  }
  const most = Math.max(...deaf.counters.map(({ bytes }) => bytes));
  console.info(
    JSON.stringify({
      grewReading: read.grew,
      grewDeaf: deaf.grew,
      bytesReading: read.counters.map(({ bytes }) => bytes),
      bytesDeaf: deaf.counters.map(({ bytes }) => bytes),
    }),
  );
  expect(most).toBeLessThanOrEqual(1024 * 1024 + 4_096);
});
