/** Uploads at their largest, and over a crash: what is acknowledged stays, what is cut is swept, nothing is buffered. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { fingerprint } from './support/files.ts';
import { workerdRss } from './support/memory.ts';
import { type Usher, usherAt } from './support/people.ts';
import { until } from './support/until.ts';
import { beginUpload, leftOnDisk, letPass, type Outgoing, upload } from './support/uploads-client.ts';

const LARGEST = 50_000_000;
const AT_ONCE = 8;
const HOUR = 3_600_000;

const laptop = makeLaptop();
let port: number;
let server: DevServer;
let usher: Usher;

beforeAll(async () => {
  port = await freePort();
  server = await startDevServer(port, laptop);
  usher = usherAt(server.url, await keysOf(laptop));
});

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

const file = (size: number): Outgoing => ({
  id: randomUUID(),
  bytes: randomBytes(size),
  contentType: 'zip',
});

const sweep = async () => expect((await fetch(`${server.url}/cdn-cgi/handler/scheduled`)).status).toBe(200);

it(`streams ${AT_ONCE} files of 50 MB at once up and down, and keeps none in memory`, async () => {
  const token = await usher.signIn('ada');
  const files = Array.from({ length: AT_ONCE }, () => file(LARGEST));
  const before = workerdRss(server.run);
  let peak = before;
  let done = false;
  const work = Promise.all(
    files.map(async big => {
      expect(await upload(server.url, token, big)).toMatchObject({ status: 200 });
      const served = await fetch(`${server.url}/uploads/${big.id}.zip`);
      expect(fingerprint(new Uint8Array(await served.arrayBuffer()))).toBe(fingerprint(big.bytes));
    }),
  ).finally(() => {
    done = true;
  });
  await until(
    'it is done',
    () => {
      peak = Math.max(peak, workerdRss(server.run));
      return done;
    },
    120_000,
  );
  await work;
  console.log({ rssInMegabytes: { before, peak, after: workerdRss(server.run) } });
  expect(peak - before).toBeLessThan((AT_ONCE * LARGEST) / 1_000_000);
});

it('sweeps what a crash cut, and nothing that was acknowledged', async () => {
  const token = await usher.signIn('bob');
  const whole = file(1_000_000);
  expect(await upload(server.url, token, whole)).toMatchObject({ status: 200 });
  const cut = Array.from({ length: 5 }, () => file(2_000_000));
  const begun = cut.map(half => beginUpload(server.url, token, half, 1_000_000));
  await Promise.all(begun.map(({ sent }) => sent));
  const reserved = () => leftOnDisk(laptop).rows.filter(({ state }) => state === 'reserved');
  await until('every place is reserved', () => reserved().length === cut.length);
  server.run.signalAll('SIGKILL');
  await server.run.hasVanished();
  expect(
    reserved()
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(cut.map(({ id }) => id).toSorted());

  // The time of the uploads passes, not that of the sessions.
  letPass(laptop, HOUR);
  server = await startDevServer(port, laptop);
  await sweep();
  const served = await fetch(`${server.url}/uploads/${whole.id}.zip`);
  expect(fingerprint(new Uint8Array(await served.arrayBuffer()))).toBe(fingerprint(whole.bytes));
  server.run.signalAll('SIGKILL');
  await server.run.hasVanished();
  expect(reserved()).toEqual([]);
  const { objects } = leftOnDisk(laptop);
  expect(objects).toContain(`${whole.id}.zip`);
  for (const { id } of cut) expect(objects).not.toContain(`${id}.zip`);

  letPass(laptop, 24 * HOUR);
  server = await startDevServer(port, laptop);
  await sweep();
  server.run.signalAll('SIGKILL');
  await server.run.hasVanished();
  expect(leftOnDisk(laptop)).toEqual({ rows: [], objects: [] });
});
