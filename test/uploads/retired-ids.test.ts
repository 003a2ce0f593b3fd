/** S64, ids of uploads that are gone: who may use them again. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { eraseUploads } from '../../src/uploads/service.ts';
import { freeRetiredIds, sweepUploads } from '../../src/uploads/sweep-service.ts';
import { signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';
import { depsWith } from '../support/deps.ts';
import { leave, upload } from '../support/uploads-client.ts';

const DAY = 86_400_000;
const deps = depsWith();
const later = (ms: number) => depsWith(() => ({ now: () => Date.now() + ms }));
const retired = () => env.DB.prepare('SELECT count(*) AS n FROM uploadIds').first('n');

async function uploaded(token: string): Promise<string> {
  const id = crypto.randomUUID();
  const answer = await upload(token, 'x', { 'file-name': id });
  expect(answer.status).toBe(200);
  return id;
}

const again = (token: string, id: string) => upload(token, 'y', { 'file-name': id });

describe('refuses', () => {
  it('the id of an erased user to everybody else, for a year', async () => {
    const [ada, bob] = [await signIn('retired-ada'), await signIn('retired-bob')];
    const id = await uploaded(ada.accessToken);
    await eraseUploads(deps, ada.uid);
    expect(await again(bob.accessToken, id)).toMatchObject({ status: 409, body: { code: 'upload_exists' } });
    expect(await again(bob.accessToken, id.toUpperCase())).toMatchObject({ status: 409 });
    await freeRetiredIds(later(364 * DAY));
    expect((await again(bob.accessToken, id)).status).toBe(409);
    await freeRetiredIds(later(366 * DAY));
    expect((await again(bob.accessToken, id)).status).toBe(200);
  });

  it('an id that was swept to others, and gives it back to its owner', async () => {
    const [cy, dee] = [await signIn('retired-cy'), await signIn('retired-dee')];
    const id = await uploaded(cy.accessToken);
    // The first run takes the upload, the second forgets its row.
    await sweepUploads(later(DAY + 1000));
    await sweepUploads(later(DAY + 2000));
    expect((await again(dee.accessToken, id)).status).toBe(409);
    expect((await again(cy.accessToken, id)).status).toBe(200);
  });

  it('more than 1,000 uploads of one user', async () => {
    const eve = await signIn('retired-eve');
    const rows = Array.from({ length: 1_000 }, () =>
      env.DB.prepare(
        "INSERT INTO uploads (id, uid, fileType, contentType, fileSize, state, createdAt) VALUES (?, ?, 'txt', 'text/plain', 0, 'stored', ?)",
      ).bind(crypto.randomUUID(), eve.uid, Date.now()),
    );
    await env.DB.batch(rows);
    expect(await upload(eve.accessToken, 'x')).toMatchObject({
      status: 409,
      body: { code: 'upload_count_exceeded' },
    });
  });
});

describe('works', () => {
  it('leaves nothing of an id that the server made', async () => {
    const flo = await signIn('retired-flo');
    const before = await retired();
    await upload(flo.accessToken, 'x');
    await leave({ uid: flo.uid, state: 'stored', createdAt: Date.now() }, 'x');
    await eraseUploads(deps, flo.uid);
    expect(await retired()).toBe(before);
  });

  it('keeps a hash of 16 bytes, which a newer pepper does not make worthless', async () => {
    const [gil, hal] = [await signIn('retired-gil'), await signIn('retired-hal')];
    const id = await uploaded(gil.accessToken);
    await eraseUploads(deps, gil.uid);
    const { results } = await env.DB.prepare('SELECT hash, uid, uploadId FROM uploadIds').all();
    for (const { hash } of results) expect(hash).toMatch(/^[\w-]{22}$/);
    for (const own of [{ uid: gil.uid }, { uploadId: id }]) {
      expect(results).not.toContainEqual(expect.objectContaining(own));
    }
    const bytes = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
    const ask = deployedWith({
      NAME_PEPPERS: `10:${bytes.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')},${env.NAME_PEPPERS}`,
    });
    const headers = { 'file-name': id, 'content-type': 'txt', 'content-length': '1' };
    expect((await ask('POST', '/uploads', { token: hal.accessToken, body: 'y', headers })).status).toBe(409);
  });
});
