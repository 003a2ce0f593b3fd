/** Uploads of users, in real R2 and D1. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { call, keys, type SignedIn, signIn, trips } from '../support/client.ts';
import { apng, avi, gif, heif, jpeg, mp4, png, svg, webm, webp } from '../support/samples.ts';
import { until } from '../support/until.ts';
import {
  type Body,
  fetchUpload,
  heldBody,
  leave,
  rowOf,
  rows,
  stored,
  streamOf,
  upload,
  uploadOf,
} from '../support/uploads-client.ts';

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;
const FOR_EVER = 'public, max-age=31536000, immutable';
const DAY = 86_400_000;

let ada: SignedIn;
let round = 0;

beforeEach(async () => {
  round += 1;
  ada = await signIn(`uploads-ada-${round}`);
});

describe('works', () => {
  it('takes an upload in under a new name, and serves it to everybody', async () => {
    const picture = png(640, 480);
    const answer = await upload(ada.accessToken, picture, { 'content-type': 'png' });
    expect(answer.status).toBe(200);
    expect(trips(answer)).toEqual([2, 2]);
    const { id } = answer.body;
    expect(id).toMatch(UUID);
    expect(answer.body).toEqual({ name: `${id}.png`, id, fileType: 'png', fileSize: picture.length });
    expect(await rowOf(id)).toMatchObject({
      uid: ada.uid,
      state: 'stored',
      contentType: 'image/png',
      previewWidth: 640,
      previewHeight: 480,
    });
    expect(await stored()).toContain(`${id}.png`);
    const served = await fetchUpload(`${id}.png`);
    expect(served.status).toBe(200);
    expect(new Uint8Array(await served.arrayBuffer())).toEqual(picture);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': expect.stringMatching(/^inline; /),
      'content-length': String(picture.length),
      'cache-control': FOR_EVER,
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"\w+"$/),
    });
    expect(served.headers.get('server-timing')).toContain('d1;desc="1"');
  });

  it('answers the bare name where plain text is asked for, and JSON otherwise', async () => {
    const plain = await upload(ada.accessToken, 'x', { accept: 'text/plain' });
    expect(plain.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(plain.body).toMatch(/^[\da-f-]{36}\.txt$/);
    expect((await fetchUpload(plain.body)).status).toBe(200);
    for (const accept of ['*/*', 'application/json', 'text/html']) {
      expect((await upload(ada.accessToken, 'x', { accept })).body.fileType).toBe('txt');
    }
  });

  it('takes the name its owner gives, in either letter case', async () => {
    const id = crypto.randomUUID();
    const answer = await upload(ada.accessToken, 'x', { 'file-name': id.toUpperCase() });
    expect(answer.body).toEqual({ name: `${id}.txt`, id, fileType: 'txt', fileSize: 1 });
    for (const name of [`${id}.txt`, `${id.toUpperCase()}.TXT`]) {
      expect((await fetchUpload(name)).status).toBe(200);
    }
    expect((await fetchUpload(`${id}.png`)).status).toBe(404);
  });

  it.each([
    ['png', 'png', 'image/png', 'inline'],
    ['JPG', 'jpg', 'image/jpeg', 'inline'],
    ['image/jpeg', 'jpeg', 'image/jpeg', 'inline'],
    ['image/jpg', 'jpeg', 'image/jpeg', 'inline'],
    ['IMAGE/PNG; charset="text/html"', 'png', 'image/png', 'inline'],
    ['pdf', 'pdf', 'application/octet-stream', 'attachment'],
    ['text/html', 'htm', 'application/octet-stream', 'attachment'],
    ['html', 'html', 'application/octet-stream', 'attachment'],
    ['js', 'js', 'application/octet-stream', 'attachment'],
    ['image/svg+xml', 'svg', 'application/octet-stream', 'attachment'],
    ['application/vnd.none+made-up', 'bin', 'application/octet-stream', 'attachment'],
    ['madeup', 'madeup', 'application/octet-stream', 'attachment'],
  ])('S43 reads %s as .%s and serves %s as %s', async (declared, fileType, served, shown) => {
    const bodies: Record<string, Uint8Array> = { png: png(1, 1), jpg: jpeg(1, 1), jpeg: jpeg(1, 1) };
    const body = bodies[fileType] ?? new TextEncoder().encode(svg);
    const answer = await upload(ada.accessToken, body, { 'content-type': declared });
    expect(answer).toMatchObject({ status: 200, body: { fileType } });
    const { headers } = await fetchUpload(answer.body.name);
    expect(headers.get('content-type')).toBe(served);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-disposition')).toBe(
      `${shown}; filename="${answer.body.name}"; filename*=UTF-8''${answer.body.name}`,
    );
    const sandboxed = headers.get('content-security-policy')?.includes('sandbox');
    expect(sandboxed).toBe(shown === 'attachment');
  });

  it('takes a body without a type for bytes', async () => {
    const answer = await call('POST', '/uploads', {
      token: ada.accessToken,
      headers: { 'content-length': '0' },
    });
    expect(answer).toMatchObject({ status: 200, body: { fileType: 'bin', fileSize: 0 } });
    expect((await fetchUpload(answer.body.name)).headers.get('content-type')).toBe(
      'application/octet-stream',
    );
  });

  it.each([
    ['png', png(3000, 2000), [3000, 2000]],
    ['image/png', apng(30, 20), [30, 20]],
    ['jpg', jpeg(4032, 3024, 60_000), [4032, 3024]],
    ['gif', gif(12, 34), [12, 34]],
    ['webp', webp(1024, 768), [1024, 768]],
    ['avif', heif('avif', 800, 600), [800, 600]],
    ['image/heic', heif('heic', 80, 60), [80, 60]],
    ['mp4', mp4(), [100, 100]],
    ['video/mp4', mp4('3gp5'), [100, 100]],
    ['video/quicktime', mp4('qt  '), [100, 100]],
    ['webm', webm(), [100, 100]],
    ['video/x-matroska', webm('matroska'), [100, 100]],
    ['avi', avi(), [100, 100]],
    ['svg', svg, [100, 100]],
    ['png', png(0, 5), [100, 100]],
    ['image/x-made-up', 'whatever', [100, 100]],
  ] as const)('S43 knows %s by its first bytes (%#)', async (type, body, size) => {
    const answer = await upload(ada.accessToken, body, { 'content-type': type });
    expect(answer.status).toBe(200);
    const row = await rowOf(answer.body.id);
    expect([row?.previewWidth, row?.previewHeight]).toEqual(size);
  });

  it('puts head and rest together again, however the body comes in', async () => {
    const whole = new Uint8Array(200_000);
    whole.set(png(9, 9));
    for (let index = 100; index < whole.length; index += 1) whole[index] = index % 251;
    const cuts = [
      [1, 7, 30, 65_536],
      [65_535, 65_536, 65_537],
      [199_999],
      Array.from({ length: 199 }, (_, index) => (index + 1) * 1000),
    ];
    for (const cut of cuts) {
      const pieces = [...cut, whole.length].map((end, index) => whole.slice(cut[index - 1] ?? 0, end));
      const answer = await upload(ada.accessToken, streamOf(...pieces), {
        'content-type': 'png',
        'content-length': String(whole.length),
      });
      expect(answer.status).toBe(200);
      const served = await fetchUpload(answer.body.name);
      expect(new Uint8Array(await served.arrayBuffer())).toEqual(whole);
    }
  });

  it('serves ranges, answers conditions and HEAD (RFC 9110)', async () => {
    const { name } = (await upload(ada.accessToken, '0123456789')).body;
    const part = await fetchUpload(name, { range: 'bytes=2-4' });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
    ]);
    expect(part.headers.get('cache-control')).toBe(FOR_EVER);
    const etag = part.headers.get('etag') ?? '';
    const same = await fetchUpload(name, { 'if-none-match': etag });
    expect([same.status, same.headers.get('cache-control'), await same.text()]).toEqual([304, FOR_EVER, '']);
    const other = await fetchUpload(name, { 'if-match': '"other"' });
    expect([other.status, other.headers.get('cache-control')]).toEqual([412, 'no-store']);
    const beyond = await fetchUpload(name, { range: 'bytes=10-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(beyond.headers.get('cache-control')).toBe('no-store');
    const head = await fetchUpload(name, { range: 'bytes=0-1' }, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    expect(head.headers.get('cache-control')).toBe(FOR_EVER);
  });

  it('S42 lets a day pass, and the day is free again', async () => {
    await leave({ uid: ada.uid, state: 'kept', createdAt: Date.now() - DAY - 1000, fileSize: 100 });
    const today = await leave({ uid: ada.uid, state: 'deleted', createdAt: Date.now(), fileSize: 100 });
    expect(await uploadOf(100, ada.accessToken, 'x')).toBe('upload_quota_exceeded');
    await env.DB.prepare('UPDATE uploads SET createdAt = createdAt - ? WHERE id = ?').bind(DAY, today).run();
    expect(await uploadOf(100, ada.accessToken, 'x')).toBe(200);
  });

  it('S35 a body without a length', async () => {
    const answer = await upload(ada.accessToken, streamOf('streamed'));
    expect(answer).toMatchObject({ status: 411, body: { code: 'length_required', error: true } });
    for (const length of ['-1', '1e3', '0x1', '']) {
      const odd = await upload(ada.accessToken, streamOf('x'), { 'content-length': length });
      expect(odd.status).toBe(411);
    }
    expect(await rows(ada.uid)).toEqual([]);
  });

  it('S42 a body that disagrees with its length, leaving nothing', async () => {
    const before = await stored();
    for (const type of ['txt', 'image/x-made-up']) {
      for (const length of ['0', '7', '9', '40000000']) {
        const answer = await upload(ada.accessToken, streamOf('stre', 'amed'), {
          'content-type': type,
          'content-length': length,
        });
        expect(answer).toMatchObject({ status: 400, body: { code: 'length_mismatch' } });
      }
    }
    expect(await rows(ada.uid)).toEqual([]);
    expect(await stored()).toEqual(before);
  });

  it('S42 what is larger than 50 MB, by what it declares and by what it is', async () => {
    const declared = (length: number) =>
      upload(ada.accessToken, streamOf('x'), { 'content-length': String(length) });
    expect(await declared(50_000_001)).toMatchObject({ status: 413, body: { code: 'file_too_large' } });
    expect(await declared(50_000_000)).toMatchObject({ status: 400, body: { code: 'length_mismatch' } });
    const larger = await upload(ada.accessToken, new Uint8Array(2_000_000), { 'content-length': '1000000' });
    expect(larger).toMatchObject({ status: 400, body: { code: 'length_mismatch' } });
    expect(await rows(ada.uid)).toEqual([]);
  });

  it('S42 more than a day holds, and gives back what a broken upload had reserved', async () => {
    const ten = (body: Body, headers = {}) => uploadOf(10, ada.accessToken, body, headers);
    expect(await ten('eleven byte')).toBe('upload_quota_exceeded');
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await ten(streamOf('four'), { 'content-length': '10' })).toBe('length_mismatch');
    }
    expect([
      await ten('sixsix'),
      await ten('fives'),
      await ten('four'),
      await ten('x'),
      await ten(''),
    ]).toEqual([200, 'upload_quota_exceeded', 200, 'upload_quota_exceeded', 200]);
    const bob = await signIn(`uploads-bob-${round}`);
    expect(await uploadOf(10, bob.accessToken, 'tenletters')).toBe(200);
  });

  it('S42 I6 to let a hundred at once past the limit of a day', async () => {
    const before = (await stored()).length;
    const day = (body: Body, headers = {}) => uploadOf(50_000, ada.accessToken, body, headers);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        // 700 bytes each of 50,000; a quarter of them break off.
        const broken = index % 4 === 0;
        return day(broken ? streamOf('half') : new Uint8Array(700).fill(index), { 'content-length': '700' });
      }),
    );
    const taken = outcomes.filter(outcome => outcome === 200).length;
    expect(taken).toBeGreaterThan(40);
    expect(taken).toBeLessThanOrEqual(71);
    expect([200, 'length_mismatch', 'upload_quota_exceeded']).toEqual(
      expect.arrayContaining([...new Set(outcomes)]),
    );
    expect((await rows(ada.uid)).map(({ state }) => state)).toEqual(Array(taken).fill('stored'));
    expect((await stored()).length - before).toBe(taken);
    // Then a hundred whole ones: the day is filled to the last byte that fits, and no further.
    const again = await Promise.all(Array.from({ length: 100 }, () => day(new Uint8Array(700))));
    expect(again.filter(outcome => outcome === 200)).toHaveLength(71 - taken);
    expect([await day(new Uint8Array(301)), await day(new Uint8Array(300)), await day('x')]).toEqual([
      'upload_quota_exceeded',
      200,
      'upload_quota_exceeded',
    ]);
  });

  it('a name that exists, whoever has it and whatever became of it', async () => {
    const bob = await signIn(`uploads-bob-${round}`);
    const id = (await upload(bob.accessToken, 'bobs')).body.id;
    const others = await Promise.all(
      ['reserved', 'kept', 'deleted'].map(state => leave({ uid: bob.uid, state, createdAt: Date.now() })),
    );
    for (const name of [id, id.toUpperCase(), ...others]) {
      for (const type of ['txt', 'html']) {
        const answer = await upload(ada.accessToken, 'mine', { 'file-name': name, 'content-type': type });
        expect(answer).toMatchObject({ status: 409, body: { code: 'upload_exists' } });
      }
    }
    expect(await (await fetchUpload(`${id}.txt`)).text()).toBe('bobs');
    expect(await rows(ada.uid)).toEqual([]);
  });

  it('to write over what lies there without a row, and takes it away', async () => {
    const id = crypto.randomUUID();
    await env.FILES.put(`uploads/${id}.txt`, 'left behind');
    const again = () => upload(ada.accessToken, 'mine', { 'file-name': id });
    expect(await again()).toMatchObject({ status: 503, body: { code: 'storage_unavailable' } });
    expect((await again()).status).toBe(200);
    expect(await (await fetchUpload(`${id}.txt`)).text()).toBe('mine');
  });

  it('one name twice, of fifty at once', async () => {
    const id = crypto.randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => upload(ada.accessToken, `${index}`, { 'file-name': id })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(await (await fetchUpload(`${id}.txt`)).text()).toBe(String(winner));
    expect(await rows(ada.uid)).toHaveLength(1);
  });

  it.each([
    ['a name that is no UUID', { 'file-name': 'holiday' }],
    ['an empty name', { 'file-name': '' }],
    ['a name that is a path', { 'file-name': '../../etc/passwd' }],
    ['an extension with a path in it', { 'content-type': '../../png' }],
    ['a long extension', { 'content-type': 'x'.repeat(11) }],
    ["an object's own word", { 'content-type': 'constructor' }],
    ['an extension with a dot', { 'content-type': '.png' }],
    ['two types in one', { 'content-type': 'image/png;,text/html' }],
    ['a type with more than ASCII', { 'content-type': 'image/png; x=\u00e9' }],
  ])('S44 %s', async (_, headers) => {
    const answer = await upload(ada.accessToken, 'x', headers as unknown as Record<string, string>);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input', error: true } });
    expect(await rows(ada.uid)).toEqual([]);
  });

  it.each([
    ['png', '<html><script>alert(1)</script></html>'],
    ['image/png', jpeg(1, 1)],
    ['image/png', ''],
    ['image/png; charset=utf-8', '\x89PNG\r\n\x1a\n'],
    ['jpg', png(1, 1)],
    ['gif', 'GI'],
    ['webp', avi()],
    ['image/avif', heif('heic', 1, 1)],
    ['mp4', webm()],
    ['video/mp4', heif('avif', 1, 1)],
    ['webm', webm('matroska')],
    ['webm', 'MZ'],
    ['bmp', 'no picture'],
    ['image/x-made-up', png(1, 1)],
    ['svg', '<html></html>'],
    ['image/svg+xml', png(1, 1)],
    ['video/quicktime', '%PDF-1.7'],
  ])('S43 %s that begins as something else (%#)', async (type, body) => {
    const answer = await upload(ada.accessToken, body, { 'content-type': type });
    expect(answer).toMatchObject({ status: 400, body: { code: 'file_type_mismatch' } });
    expect(await rows(ada.uid)).toEqual([]);
  });

  it.each([
    '',
    'x',
    '..%2fusers',
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e%2fuploads',
    'NAME%00.txt',
    'ID.txt%00',
    'ID.txt%00.png',
    'ID%00.txt',
    'ID.t%E2%80%AExt',
    '%E2%80%AEID.txt',
    'ID',
    'ID.',
    'ID.txt.txt',
    'ID.txt%20',
    'ID.txt%0a',
    'ID.txt%2f',
    'ID.%74xt/',
    'ID/txt',
    '{ID}.txt',
    'live%2fID.txt',
    '%ff.txt',
    'ID.txt%',
  ])('S44 to find anything under %s', async pattern => {
    const { id } = (await upload(ada.accessToken, 'x')).body;
    const answer = await fetchUpload(pattern.replace('ID', id));
    expect([404, 405]).toContain(answer.status);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it('to serve what has not arrived, or was deleted', async () => {
    for (const state of ['reserved', 'deleted']) {
      const id = await leave({ uid: ada.uid, state, createdAt: Date.now() });
      expect((await fetchUpload(`${id}.txt`)).status).toBe(404);
    }
    const kept = await leave({ uid: ada.uid, state: 'kept', createdAt: 0 });
    expect((await fetchUpload(`${kept}.txt`)).status).toBe(200);
    await env.FILES.delete(`uploads/${kept}.txt`);
    const gone = await fetchUpload(`${kept}.txt`);
    expect([gone.status, gone.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });
});

describe('keeps out', () => {
  it('nobody, keys, and who was signed out', async () => {
    await call('DELETE', '/api/v5/sessions', { token: ada.accessToken });
    for (const [token, status] of [
      [undefined, 401],
      ['x', 401],
      [ada.refreshToken, 401],
      [ada.accessToken, 401],
    ] as const) {
      expect((await upload(token, 'x')).status).toBe(status);
      // Before anything is said about the body.
      expect((await upload(token, 'no picture', { 'content-type': 'png' })).status).toBe(status);
    }
    const bySystem = await upload(undefined, 'x', { 'x-server-key': keys.secretKey });
    expect(bySystem.status).toBe(403);
    expect(await rows(ada.uid)).toEqual([]);
  });

  it('S16 the upload of somebody who is signed out while it streams', async () => {
    const { body, finish } = heldBody('half');
    const uploading = upload(ada.accessToken, body, { 'content-length': '8' });
    await until(async () => (await rows(ada.uid)).length === 1);
    await call('DELETE', '/api/v5/sessions', { token: ada.accessToken });
    await finish('done');
    expect(await uploading).toMatchObject({ status: 401, body: { code: 'session_ended' } });
    expect(await rows(ada.uid)).toEqual([]);
  });

  it('S42 the upload whose body breaks off, leaving nothing', async () => {
    const before = await stored();
    const { body, breakOff } = heldBody('half');
    const uploading = upload(ada.accessToken, body, { 'content-length': '8' });
    await until(async () => (await rows(ada.uid)).length === 1);
    await breakOff();
    expect(await uploading).toMatchObject({ status: 400, body: { code: 'length_mismatch' } });
    expect(await rows(ada.uid)).toEqual([]);
    expect(await stored()).toEqual(before);
  });

  it('S42 the picture that breaks off in its first bytes', async () => {
    const { body, breakOff } = heldBody(png(1, 1));
    const uploading = upload(ada.accessToken, body, { 'content-type': 'png', 'content-length': '800' });
    await breakOff();
    expect(await uploading).toMatchObject({ status: 400, body: { code: 'length_mismatch' } });
    expect(await rows(ada.uid)).toEqual([]);
  });

  it('S39 answers of errors from being kept, and pages from framing them', async () => {
    const answer = await fetchUpload(`${crypto.randomUUID()}.png`);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });
});
