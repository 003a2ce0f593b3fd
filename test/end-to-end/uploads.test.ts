/** S42: over real sockets, an upload that breaks off leaves neither an object nor a row, wherever it breaks off. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { png } from '../support/samples.ts';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { usherAt } from './support/people.ts';
import { until } from './support/until.ts';
import { beginUpload, leftOnDisk, type Outgoing, upload } from './support/uploads-client.ts';

const SIZE = 3_000_000;
/** Where they break off: before the first byte, within the head, behind it, and a byte before the end. */
const BREAKS = [0, 1, 40, 65_000, 65_536, 200_000, SIZE / 2, SIZE - 1];

const laptop = makeLaptop();
let server: DevServer;
let token: string;

beforeAll(async () => {
  server = await startDevServer(await freePort(), laptop);
  token = await usherAt(server.url, await keysOf(laptop)).signIn('ada');
});

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

function file(contentType: string): Outgoing {
  const bytes = randomBytes(SIZE);
  if (contentType === 'png') bytes.set(png(640, 480));
  return { id: randomUUID(), bytes, contentType };
}

it('S42 leaves nothing of what breaks off, so that its name is free again, and keeps what is whole', async () => {
  const whole = file('png');
  expect(await upload(server.url, token, whole)).toMatchObject({ status: 200, name: `${whole.id}.png` });
  const broken = BREAKS.flatMap(upTo => [
    { upTo, half: file('png') },
    { upTo, half: file('zip') },
  ]);
  await Promise.all(
    broken.map(async ({ upTo, half }) => {
      const begun = beginUpload(server.url, token, half, upTo);
      await begun.sent;
      begun.destroy();
      await begun.gone;
    }),
  );
  // A row that is left would answer 409, an object 503.
  for (const { half } of broken) {
    const answers = new Set<number>();
    await until('the name is free', async () => {
      const { status } = await upload(server.url, token, half);
      answers.add(status);
      return status === 200;
    });
    expect([200, 409]).toEqual(expect.arrayContaining([...answers]));
    const served = await fetch(`${server.url}/uploads/${half.id}.${half.contentType}`);
    expect(Buffer.from(await served.arrayBuffer()).equals(half.bytes)).toBe(true);
  }
  server.run.signalAll('SIGTERM');
  await server.run.hasVanished();
  const left = leftOnDisk(laptop);
  const there = [whole, ...broken.map(({ half }) => half)];
  const names = there.map(({ id, contentType }) => `${id}.${contentType}`);
  expect(left.objects.toSorted()).toEqual(names.toSorted());
  expect(left.rows.map(({ id, state }) => `${id} ${state}`).toSorted()).toEqual(
    there.map(({ id }) => `${id} stored`).toSorted(),
  );
});
