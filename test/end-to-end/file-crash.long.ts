import { randomBytes, randomInt } from 'node:crypto';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';
import { deleteFile, type FileInfo, fetchFile, fingerprint, listFiles, upload } from './support/files.ts';
import { workerdRss } from './support/memory.ts';
import { type Usher, usherAt } from './support/people.ts';
import { until } from './support/until.ts';

const CRASHES = 5;
const CLIENTS = 6;
const ACKNOWLEDGED_BEFORE_A_CRASH = 12;
const UNDER_WAY_AT_A_CRASH = 3;
const LARGEST = 1_500_000;
const RULES = { maxFiles: 60, maxTotalMegaBytes: 30 };
const PASSWORD = 'open sesame';
const BIG_FILE = 50_000_000;
const BIG_FILES = 8;

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

/** What a client knows of a file it sent. */
interface Sent {
  fingerprint: string;
  size: number;
  /** Null while the server has not said that it has the file. */
  fileKey: string | null;
  /** Broken off on purpose: such a file must never be there. */
  brokenOff: boolean;
  deletion: 'none' | 'asked' | 'done';
}

it(`keeps every acknowledged file, and nothing half of one, through ${CRASHES} crashes`, async () => {
  const sent = new Map<string, Sent>();
  const totals = { acknowledged: 0, brokenOff: 0, refused: 0, cutByCrash: 0, deleted: 0 };
  let underWay = 0;
  const room = await usher.open(await usher.signIn('host'), { ...RULES, password: PASSWORD });
  const seats = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) =>
      usher.sit(await usher.signIn(`client-${client}`), room.sessionId, PASSWORD),
    ),
  );

  /** Uploads one file after another, every third broken off; where there is no room, deletes one of its own. */
  async function work(seat: string, own: Sent[], prefix: string): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const bytes = randomBytes(randomInt(1, LARGEST));
      const brokenOff = turn % 3 === 2;
      const name = `${prefix}-${turn} ü`;
      const file: Sent = {
        fingerprint: fingerprint(bytes),
        size: bytes.length,
        fileKey: null,
        brokenOff,
        deletion: 'none',
      };
      sent.set(name, file);
      underWay += 1;
      const answer = await upload(server.url, seat, {
        name,
        bytes,
        ...(brokenOff ? { breakOffAfter: Math.floor(bytes.length / 2) } : {}),
      });
      underWay -= 1;
      if (brokenOff) {
        totals.brokenOff += 1;
        // The server may have gone meanwhile: the next upload tells.
        continue;
      }
      if (answer === null) {
        totals.cutByCrash += 1;
        return;
      }
      if (answer.status === 200) {
        file.fileKey = answer.body.fileKey;
        own.push(file);
        totals.acknowledged += 1;
        continue;
      }
      expect(['file_limit_reached', 'quota_exceeded']).toContain(answer.body.code);
      totals.refused += 1;
      const oldest = own.shift();
      if (!oldest?.fileKey) continue;
      oldest.deletion = 'asked';
      const status = await deleteFile(server.url, seat, oldest.fileKey).catch(() => null);
      if (status === null) return;
      expect(status).toBe(200);
      oldest.deletion = 'done';
      totals.deleted += 1;
    }
  }

  async function expectTruth(): Promise<FileInfo[]> {
    const listed = await listFiles(server.url, room.seat);
    expect(listed.length).toBeLessThanOrEqual(RULES.maxFiles);
    const bytesListed = listed.reduce((sum, file) => sum + file.sizeInBytes, 0);
    expect(bytesListed).toBeLessThanOrEqual(RULES.maxTotalMegaBytes * 1_000_000);
    for (const { fileKey, fileName, sizeInBytes } of listed) {
      const original = sent.get(fileName);
      const { status, bytes } = await fetchFile(server.url, room.seat, fileKey);
      expect({ status, size: bytes.length, fingerprint: fingerprint(bytes) }).toEqual({
        status: 200,
        size: original?.size,
        fingerprint: original?.fingerprint,
      });
      expect(sizeInBytes).toBe(bytes.length);
      expect(original?.brokenOff).toBe(false);
    }
    const keys = new Set(listed.map(({ fileKey }) => fileKey));
    for (const { fileKey, deletion } of sent.values()) {
      if (!fileKey || deletion === 'asked') continue;
      expect(keys.has(fileKey)).toBe(deletion === 'none');
      if (deletion === 'done') {
        expect((await fetchFile(server.url, room.seat, fileKey)).status).toBe(404);
      }
    }
    return listed;
  }

  const owned = seats.map((): Sent[] => []);
  for (let crash = 0; crash < CRASHES; crash += 1) {
    const goal = totals.acknowledged + ACKNOWLEDGED_BEFORE_A_CRASH;
    const clients = seats.map((seat, client) => work(seat, owned[client] ?? [], `${crash}-${client}`));
    await until(
      'enough is there and enough is under way',
      () => totals.acknowledged >= goal && underWay >= UNDER_WAY_AT_A_CRASH,
      60_000,
    );
    server.run.signalAll('SIGKILL');
    await Promise.all(clients);
    await server.run.hasVanished();
    server = await startDevServer(port, laptop);
    await expectTruth();
  }

  const before = await expectTruth();
  expect((await fetch(`${server.url}/cdn-cgi/handler/scheduled`)).status).toBe(200);
  expect(await expectTruth()).toEqual(before);

  // Places of uploads that a crash cut are still kept, so that the room is full a little early, and never late.
  for (let turn = 0; ; turn += 1) {
    const name = `last-${turn}`;
    const bytes = randomBytes(10);
    const answer = await upload(server.url, room.seat, { name, bytes });
    if (answer?.status !== 200) {
      expect(answer?.status).toBe(409);
      break;
    }
    sent.set(name, {
      fingerprint: fingerprint(bytes),
      size: bytes.length,
      fileKey: answer.body.fileKey,
      brokenOff: false,
      deletion: 'none',
    });
  }
  const full = await expectTruth();
  expect(full.length).toBeLessThanOrEqual(RULES.maxFiles);
  expect(server.run.stderr).not.toMatch(/uncaught|exception/i);

  expect(await usher.call('DELETE', '/session/current', { token: room.seat })).toMatchObject({ status: 200 });
  server.run.signalAll('SIGKILL');
  await server.run.hasVanished();
  console.log({ ...totals, listedAtLast: full.length });
  expect(objectsInR2()).toEqual([]);
  server = await startDevServer(port, laptop);
});

it('gives the place of every upload back that breaks off on the way', async () => {
  const room = await usher.open(await usher.signIn('host'), { maxFiles: 5 });
  const bytes = randomBytes(LARGEST);
  for (let turn = 0; turn < 20; turn += 1) {
    const crowd = [1, 2, 3, 4].map(part => ({ name: 'broken', bytes, breakOffAfter: (part * LARGEST) / 5 }));
    await Promise.all(crowd.map(file => upload(server.url, room.seat, file)));
  }
  await until('every place is taken by a whole file', async () => {
    await upload(server.url, room.seat, { name: 'whole', bytes });
    return (await listFiles(server.url, room.seat)).length === 5;
  });
  const oneMore = await upload(server.url, room.seat, { name: 'one more', bytes });
  expect(oneMore).toMatchObject({ status: 409, body: { code: 'file_limit_reached' } });
  const listed = await listFiles(server.url, room.seat);
  expect(listed.map(({ fileName }) => fileName)).toEqual(Array(5).fill('whole'));
});

it(`streams ${BIG_FILES} files of 50 MB up and down, and keeps none in memory`, async () => {
  const room = await usher.open(await usher.signIn('host'), {});
  const bytes = randomBytes(BIG_FILE);
  const before = workerdRss(server.run);
  const peaks: number[] = [];

  /** Watches the runtime's memory until the work is done. */
  async function watched<T>(work: Promise<T>): Promise<T> {
    let done = false;
    let peak = 0;
    const over = work.finally(() => {
      done = true;
    });
    await until('it is done', () => {
      peak = Math.max(peak, workerdRss(server.run));
      return done;
    });
    peaks.push(peak);
    return over;
  }

  for (let turn = 0; turn < BIG_FILES; turn += 1) {
    const answer = await watched(upload(server.url, room.seat, { name: `big ${turn}`, bytes }));
    expect(answer).toMatchObject({ status: 200, body: { sizeInBytes: BIG_FILE } });
    const fetched = await watched(fetchFile(server.url, room.seat, answer?.body.fileKey ?? ''));
    expect(fingerprint(fetched.bytes)).toBe(fingerprint(bytes));
  }
  console.log({ rssInMegabytes: { before, peaks, after: workerdRss(server.run) } });
  expect(Math.max(...peaks) - before).toBeLessThan((BIG_FILES * BIG_FILE) / 1_000_000);
});

/** What the local R2 holds, read where it keeps it; the server must have stopped. */
function objectsInR2(): string[] {
  const files = globSync(join(laptop.state, 'v3/r2/**/*.sqlite'));
  expect(files.length).toBeGreaterThan(0);
  return files.flatMap(file => {
    const database = new DatabaseSync(file);
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE name = '_mf_objects'").all();
    const rows = tables.length > 0 ? database.prepare('SELECT key FROM _mf_objects').all() : [];
    database.close();
    return rows.map(({ key }) => String(key));
  });
}
