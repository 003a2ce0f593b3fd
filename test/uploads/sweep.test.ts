/** What is swept, what is erased, and what stays: uploads as the other parts and the cron trigger see them. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { insertPhoto } from '../../src/accounts/photo-store.ts';
import worker from '../../src/index.ts';
import { openDatabase } from '../../src/platform/database.ts';
import {
  deleteBytes,
  discardingUpload,
  eraseUploads,
  findOwnUpload,
  isOwnUpload,
  keepingUpload,
} from '../../src/uploads/service.ts';
import { sweepUploads } from '../../src/uploads/sweep-service.ts';
import { call, type SignedIn, signIn } from '../support/client.ts';
import { depsWith } from '../support/deps.ts';
import { headStart } from '../support/races.ts';
import { until } from '../support/until.ts';
import {
  fetchUpload,
  heldBody,
  leave,
  rowOf,
  rows,
  stored,
  upload,
  uploadOf,
} from '../support/uploads-client.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const db = openDatabase(env.DB, { d1: 0, objects: 0 });
const deps = { db, files: env.FILES, now: () => Date.now(), config: depsWith().config };
const later = (ms: number) => ({ ...deps, now: () => Date.now() + ms });
const run = (along: ReturnType<typeof keepingUpload>) => db.batch(along(db) as never);

/** Makes an upload a photo as accounts do, in one batch; whether it is one then. */
async function keepAndTell(uid: number, id: string): Promise<boolean> {
  const photo = {
    id,
    uid,
    fileType: 'txt',
    fileSize: 1,
    previewWidth: 100,
    previewHeight: 100,
    createdAt: 0,
  };
  const told = db
    .select({ photos: sql<number>`(SELECT count(*) FROM photos WHERE id = ${id} AND uid = ${uid})` })
    .from(sql`(SELECT 1)`);
  const adding = insertPhoto(photo, isOwnUpload(uid, id))(db);
  const answers: unknown[] = await db.batch([...adding, ...keepingUpload(uid, id)(db), told] as never);
  const [answer] = answers.at(-1) as { photos: number }[];
  return answer?.photos === 1;
}

let ada: SignedIn;
let bob: SignedIn;
let round = 0;

beforeEach(async () => {
  round += 1;
  [ada, bob] = await Promise.all([signIn(`sweep-ada-${round}`), signIn(`sweep-bob-${round}`)]);
  await env.DB.exec('DELETE FROM uploads');
  await env.DB.exec('DELETE FROM photos');
  const names = await stored();
  if (names.length > 0) await env.FILES.delete(names.map(name => `uploads/${name}`));
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the sweeper', () => {
  it('takes what nothing refers to within a day, and neither earlier nor what is kept', async () => {
    const { body } = await upload(ada.accessToken, 'loose');
    const kept = (await upload(ada.accessToken, 'kept')).body;
    await keepAndTell(ada.uid, kept.id);
    await sweepUploads(later(DAY - 60_000));
    expect(await stored()).toHaveLength(2);
    expect(await sweepUploads(later(DAY))).toBe(1);
    expect(await stored()).toEqual([kept.name]);
    expect((await rows()).map(({ id }) => id)).toEqual([kept.id]);
    expect((await fetchUpload(body.name)).status).toBe(404);
    expect(await sweepUploads(later(1000 * DAY))).toBe(0);
    expect((await fetchUpload(kept.name)).status).toBe(200);
  });

  it('takes what a crash left on its way after an hour, and counts it until its day is over', async () => {
    const now = Date.now();
    const young = await leave({ uid: ada.uid, state: 'reserved', createdAt: now - HOUR + 60_000 });
    const withBytes = await leave({ uid: ada.uid, state: 'reserved', createdAt: now - HOUR });
    const without = await leave({ uid: ada.uid, state: 'reserved', createdAt: now - HOUR }, null);
    expect(await sweepUploads(deps)).toBe(2);
    expect(await stored()).toEqual([`${young}.txt`]);
    const states = async () => Object.fromEntries((await rows()).map(({ id, state }) => [id, state]));
    expect(await states()).toEqual({ [young]: 'reserved', [withBytes]: 'deleted', [without]: 'deleted' });
    expect(await uploadOf(4, ada.accessToken, 'xx')).toBe('upload_quota_exceeded');
    expect(await sweepUploads(deps)).toBe(0);
    await sweepUploads(later(DAY - HOUR));
    expect(await states()).toEqual({ [young]: 'deleted' });
  });

  it('deletes what a crash between claim and deletion left behind', async () => {
    const claimed = await leave({ uid: ada.uid, state: 'deleted', createdAt: Date.now() - DAY });
    const today = await leave({ uid: ada.uid, state: 'deleted', createdAt: Date.now() - DAY + 60_000 });
    expect(await sweepUploads(deps)).toBe(1);
    expect(await rowOf(claimed)).toBeNull();
    expect(await stored()).toEqual([`${today}.txt`]);
    await sweepUploads(later(60_000));
    expect(await stored()).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it('forgets no row whose bytes are still there', async () => {
    await leave({ uid: ada.uid, state: 'stored', createdAt: Date.now() - DAY });
    const files = { delete: () => Promise.reject(new Error('R2 is away')) } as unknown as R2Bucket;
    await expect(sweepUploads({ ...deps, files })).rejects.toThrow('R2 is away');
    expect((await rows()).map(({ state }) => state)).toEqual(['deleted']);
    await sweepUploads(deps);
    expect([await rows(), await stored()]).toEqual([[], []]);
  });

  it('works off a heap in bounded runs, the oldest first', async () => {
    const now = Date.now();
    for (let index = 0; index < 250; index += 1) {
      await leave({ uid: ada.uid, state: 'stored', createdAt: now - 2 * DAY + index });
    }
    expect(await sweepUploads(deps)).toBe(200);
    expect((await rows()).map(({ createdAt }) => createdAt)[0]).toBe(now - 2 * DAY + 200);
    expect(await sweepUploads(deps)).toBe(50);
    expect([await rows(), await stored()]).toEqual([[], []]);
  });

  it('finds its work by an index, not by reading what is kept', async () => {
    for (let index = 0; index < 20; index += 1) {
      await leave({ uid: ada.uid, state: 'kept', createdAt: index }, null);
    }
    const prepare = vi.spyOn(env.DB, 'prepare');
    await sweepUploads({ ...deps, db: openDatabase(env.DB, { d1: 0, objects: 0 }) });
    const queries = prepare.mock.calls.map(([query]) => query);
    prepare.mockRestore();
    expect(queries).toHaveLength(2);
    for (const query of queries) {
      const parameters = Array.from(query.matchAll(/\?/g), () => 0);
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
        .bind(...parameters)
        .all<{ detail: string }>();
      const details = plan.results.map(({ detail }) => detail);
      expect(details.some(detail => detail.includes('uploads_loose'))).toBe(true);
      expect(details.filter(detail => /^SCAN uploads/.test(detail))).toEqual([]);
    }
  });

  it('and a photo being added at the same moment: one of them has it, whole', async () => {
    const outcomes = { kept: 0, swept: 0 };
    for (let turn = 0; turn < 40; turn += 1) {
      const id = await leave({ uid: ada.uid, state: 'stored', createdAt: Date.now() - DAY });
      const keep = async () => {
        await headStart((turn % 2) * turn);
        return keepAndTell(ada.uid, id);
      };
      const sweep = async () => {
        await headStart(((turn + 1) % 2) * turn);
        await sweepUploads(deps);
      };
      const [kept] = await Promise.all([keep(), sweep()]);
      const row = await rowOf(id);
      expect(kept).toBe(row !== null);
      expect(await stored()).toEqual(row ? [`${id}.txt`] : []);
      expect(row?.state ?? 'gone').toMatch(/^(kept|gone)$/);
      outcomes[row ? 'kept' : 'swept'] += 1;
      await env.DB.exec('DELETE FROM uploads');
      if (row) await env.FILES.delete(`uploads/${id}.txt`);
    }
    expect(outcomes.kept).toBeGreaterThan(0);
    expect(outcomes.swept).toBeGreaterThan(0);
  });

  it('refuses the upload whose place it took meanwhile, and leaves nothing of it', async () => {
    const { body, finish } = heldBody('half');
    const uploading = upload(ada.accessToken, body, { 'content-length': '8' });
    await until(async () => (await rows()).length === 1);
    await sweepUploads(later(HOUR));
    await finish('done');
    expect(await uploading).toMatchObject({ status: 409, body: { code: 'reservation_lapsed' } });
    expect(await stored()).toEqual([]);
    expect((await rows()).map(({ state }) => state)).toEqual(['deleted']);
  });

  it('runs with the cron trigger', async () => {
    await leave({ uid: ada.uid, state: 'stored', createdAt: Date.now() - DAY });
    const ctx = createExecutionContext();
    await worker.scheduled?.({} as ScheduledController, env, ctx);
    await waitOnExecutionContext(ctx);
    expect([await rows(), await stored()]).toEqual([[], []]);
  });
});

describe('a photo', () => {
  it('S32 finds an upload of its owner, and no other', async () => {
    const { id } = (await upload(ada.accessToken, 'x')).body;
    expect(await findOwnUpload(deps, ada.uid, id.toUpperCase())).toMatchObject({ id, state: 'stored' });
    await expect(findOwnUpload(deps, bob.uid, id)).rejects.toMatchObject({ code: 'upload_not_found' });
    for (const state of ['reserved', 'deleted']) {
      const other = await leave({ uid: ada.uid, state, createdAt: Date.now() });
      await expect(findOwnUpload(deps, ada.uid, other)).rejects.toMatchObject({ code: 'upload_not_found' });
    }
    await keepAndTell(ada.uid, id);
    expect(await findOwnUpload(deps, ada.uid, id)).toMatchObject({ state: 'kept' });
  });

  it("S32 neither keeps nor discards another's upload, nor one that is gone", async () => {
    const { id } = (await upload(ada.accessToken, 'x')).body;
    await keepAndTell(bob.uid, id);
    await run(discardingUpload(bob.uid, id));
    expect((await rowOf(id))?.state).toBe('stored');
    const gone = await leave({ uid: ada.uid, state: 'deleted', createdAt: Date.now() });
    const coming = await leave({ uid: ada.uid, state: 'reserved', createdAt: Date.now() });
    for (const other of [gone, coming]) await keepAndTell(ada.uid, other);
    expect([(await rowOf(gone))?.state, (await rowOf(coming))?.state]).toEqual(['deleted', 'reserved']);
  });

  it('is one in the same batch that keeps its upload, or none', async () => {
    const { id } = (await upload(ada.accessToken, 'x')).body;
    expect(await keepAndTell(bob.uid, id)).toBe(false);
    expect(await keepAndTell(ada.uid, crypto.randomUUID())).toBe(false);
    expect(await keepAndTell(ada.uid, id)).toBe(true);
    expect(await keepAndTell(ada.uid, id)).toBe(true);
  });

  it('that is deleted takes its bytes along at once, and its row when its day is over', async () => {
    const { id, name } = (await upload(ada.accessToken, 'x')).body;
    await keepAndTell(ada.uid, id);
    await run(discardingUpload(ada.uid, id));
    expect((await fetchUpload(name)).status).toBe(404);
    await deleteBytes(deps, [{ id, fileType: 'txt' }]);
    expect(await stored()).toEqual([]);
    expect(await uploadOf(1, ada.accessToken, 'y')).toBe('upload_quota_exceeded');
    await sweepUploads(later(DAY));
    expect(await rows()).toEqual([]);
  });
});

describe('erasure', () => {
  it('S50 leaves no bytes and no row of the user, and everything of others', async () => {
    const kept = (await upload(ada.accessToken, 'kept')).body;
    await keepAndTell(ada.uid, kept.id);
    await upload(ada.accessToken, 'stored');
    await leave({ uid: ada.uid, state: 'deleted', createdAt: Date.now() });
    const { name } = (await upload(bob.accessToken, 'bob')).body;
    await eraseUploads(deps, ada.uid);
    expect(await rows(ada.uid)).toEqual([]);
    expect(await stored()).toEqual([name]);
    await eraseUploads(deps, ada.uid);
    expect(await rows()).toHaveLength(1);
  });

  it('S50 comes to its end where a crash or R2 stopped it, however much there is', async () => {
    const now = Date.now();
    for (let index = 0; index < 200; index += 1) {
      await leave({ uid: ada.uid, state: 'stored', createdAt: now }, index < 20 ? 'x' : null);
    }
    const files = { delete: () => Promise.reject(new Error('R2 is away')) } as unknown as R2Bucket;
    await expect(eraseUploads({ ...deps, files }, ada.uid)).rejects.toThrow('R2 is away');
    expect(await rows(ada.uid)).toHaveLength(200);
    await eraseUploads(deps, ada.uid);
    expect([await rows(), await stored()]).toEqual([[], []]);
  });

  it('S50 refuses what is on its way meanwhile, and leaves nothing of it', async () => {
    const { body, finish } = heldBody('half');
    const uploading = upload(ada.accessToken, body, { 'content-length': '8' });
    await until(async () => (await rows(ada.uid)).length === 1);
    await eraseUploads(deps, ada.uid);
    expect((await rows()).map(({ uid, state }) => [uid, state])).toEqual([[0, 'reserved']]);
    await finish('done');
    expect(await uploading).toMatchObject({ status: 409, body: { code: 'reservation_lapsed' } });
    expect([await rows(), await stored()]).toEqual([[], []]);
  });

  it('S50 has the sweeper find what a crash left of an upload on its way', async () => {
    const left = await leave({ uid: ada.uid, state: 'reserved', createdAt: Date.now() - HOUR });
    await eraseUploads(deps, ada.uid);
    expect((await rowOf(left))?.uid).toBe(0);
    await sweepUploads(deps);
    expect(await stored()).toEqual([]);
    await sweepUploads(later(DAY));
    expect(await rows()).toEqual([]);
  });
});

it('S16 counts for nothing that a device session ended elsewhere: an upload made before stays', async () => {
  const { name } = (await upload(ada.accessToken, 'x')).body;
  await call('DELETE', '/api/v5/sessions', { token: ada.accessToken });
  expect((await fetchUpload(name)).status).toBe(200);
});
