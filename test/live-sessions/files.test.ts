/** Files of a live session, in real R2. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sweepFiles } from '../../src/live-sessions/file-service.ts';
import {
  call,
  joinAs,
  ORIGIN,
  openRoom,
  type Room,
  type SignedIn,
  signIn,
  trips,
} from '../support/client.ts';
import { liveObject, liveStub, tablesOf } from '../support/objects.ts';
import { listen } from '../support/socket.ts';
import { until } from '../support/until.ts';

let host: SignedIn;
let client: SignedIn;
let room: Room;
let token: string;
let round = 0;

beforeEach(async () => {
  round += 1;
  [host, client] = await Promise.all([signIn(`files-host-${round}`), signIn(`files-client-${round}`)]);
  room = await openRoom(host, { maxFiles: 3, maxTotalMegaBytes: 1 });
  token = await joinAs(client, room);
});

afterEach(() => {
  vi.useRealTimers();
});

const upload = (
  member: string | undefined,
  body: string | Uint8Array | ReadableStream,
  headers: Record<string, string> = {},
) =>
  call('POST', '/session/current/files', {
    token: member,
    body,
    headers: {
      'file-name': 'notes.txt',
      'content-type': 'text/plain',
      ...(body instanceof ReadableStream ? {} : { 'content-length': String(body.length) }),
      ...headers,
    },
  });
const list = (member: string) => call('GET', '/session/current/files', { token: member });
const fetchFile = (member: string, fileKey: string, headers: Record<string, string> = {}) =>
  exports.default.fetch(
    new Request(`${ORIGIN}/session/current/files/${fileKey}`, {
      headers: { authorization: `Bearer ${member}`, ...headers },
    }),
  );
const remove = (member: string, fileKey: string) =>
  call('DELETE', `/session/current/files/${fileKey}`, { token: member });
const keysIn = async () => {
  const { objects } = await env.FILES.list({ prefix: 'live/' });
  return objects.map(({ key }) => key).filter(key => key.includes(room.sessionId));
};

describe('works', () => {
  it('stores, tells, lists, serves and deletes a file', async () => {
    const socket = await listen(room.token);
    await socket.heard('SessionState');
    const stored = await upload(token, 'hello', { 'file-name': encodeURIComponent('Grüße 👋.txt') });
    expect(stored.status).toBe(200);
    expect(trips(stored)).toEqual([0, 2]);
    const file = {
      fileKey: expect.stringMatching(/^[0-9a-f-]{36}$/),
      fileName: 'Grüße 👋.txt',
      contentType: 'text/plain',
      sizeInBytes: 5,
      creatorId: client.userId,
      createdAt: expect.any(String),
    };
    expect(stored.body).toEqual(file);
    expect((await socket.heard('FileAdded')).data).toEqual(stored.body);
    expect((await list(room.token)).body).toEqual([stored.body]);
    const { fileKey } = stored.body;
    const served = await fetchFile(room.token, fileKey);
    expect(await served.text()).toBe('hello');
    expect(served.headers.get('content-type')).toBe('application/octet-stream');
    expect(served.headers.get('content-disposition')).toBe(
      `attachment; filename="Gr__e __.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%F0%9F%91%8B.txt`,
    );
    expect(served.headers.get('content-security-policy')).toContain('sandbox');
    expect(served.headers.get('cache-control')).toBe('no-store');
    expect(await keysIn()).toHaveLength(1);
    expect((await remove(token, fileKey)).status).toBe(200);
    expect((await socket.heard('FileRemoved')).data).toEqual(stored.body);
    expect(await keysIn()).toEqual([]);
    expect((await list(token)).body).toEqual([]);
    expect((await fetchFile(token, fileKey)).status).toBe(404);
  });

  it('serves ranges and answers conditions (RFC 9110)', async () => {
    const { fileKey } = (await upload(token, '0123456789', { 'content-type': 'image/png' })).body;
    const bytesOf = async (response: Response) => new TextDecoder().decode(await response.arrayBuffer());
    const cases: [Record<string, string>, number, string, string | null][] = [
      [{}, 200, '0123456789', null],
      [{ range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'],
      [{ range: 'bytes=7-' }, 206, '789', 'bytes 7-9/10'],
      [{ range: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'],
      [{ range: 'bytes=0-99' }, 206, '0123456789', 'bytes 0-9/10'],
      [{ range: 'Bytes=0-1' }, 206, '01', 'bytes 0-1/10'],
      [{ range: 'bytes= 0-1' }, 200, '0123456789', null],
      [{ range: 'bytes=5-2' }, 200, '0123456789', null],
      [{ range: 'bytes=0-1,3-4' }, 200, '0123456789', null],
    ];
    for (const [headers, status, text, range] of cases) {
      const served = await fetchFile(token, fileKey, headers);
      expect([served.status, await bytesOf(served), served.headers.get('content-range')]).toEqual([
        status,
        text,
        range,
      ]);
      expect(served.headers.get('content-disposition')).toMatch(/^inline/);
    }
    const etag = (await fetchFile(token, fileKey)).headers.get('etag') ?? '';
    expect((await fetchFile(token, fileKey, { 'if-none-match': etag })).status).toBe(304);
    expect((await fetchFile(token, fileKey, { 'if-match': '"other"' })).status).toBe(412);
    expect((await fetchFile(token, fileKey, { 'if-none-match': 'abc', 'if-match': 'abc' })).status).toBe(200);
    const beyond = await fetchFile(token, fileKey, { range: 'bytes=10-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect((await fetchFile(token, fileKey, { range: 'bytes=0-1', 'if-range': etag })).status).toBe(206);
    expect((await fetchFile(token, fileKey, { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200);
  });

  it('lets the host delete what others brought, and takes an empty file', async () => {
    const { fileKey } = (await upload(token, '')).body;
    expect((await (await fetchFile(token, fileKey)).text()).length).toBe(0);
    expect((await remove(room.token, fileKey)).status).toBe(200);
  });

  it('shows an image as just that, whatever parameters it came with', async () => {
    const { fileKey } = (await upload(token, 'x', { 'content-type': 'image/png; charset="text/html"' })).body;
    const served = await fetchFile(token, fileKey);
    expect(served.headers.get('content-type')).toBe('image/png');
    expect(served.headers.get('content-disposition')).toMatch(/^inline/);
  });

  it('I8 ends for good what was ended before a crash, whatever R2 had to say', async () => {
    await upload(token, 'x');
    await runInDurableObject(liveStub(room.sessionId), (_, { storage }) => {
      // As a crash after the end was written and before anything was deleted leaves it.
      storage.sql.exec("INSERT INTO memory (name, detail) VALUES ('ended', '\"deleted\"')");
    });
    await abortAllDurableObjects();
    for (const member of [room.token, token]) expect((await list(member)).status).toBe(404);
    expect(
      (
        await call('POST', '/session/join', {
          token: client.accessToken,
          body: { sessionId: room.sessionId },
        })
      ).status,
    ).toBe(404);
    await until(async () => (await keysIn()).length === 0);
    await until(async () => (await tablesOf(liveStub(room.sessionId))).length === 0);
  });

  it('deletes everything with the session', async () => {
    await upload(token, 'one');
    await upload(room.token, 'two');
    expect(await keysIn()).toHaveLength(2);
    await call('DELETE', '/session/current', { token: room.token });
    expect(await keysIn()).toEqual([]);
  });

  it('gives the place of an upload that never arrived back after 15 minutes', async () => {
    const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')));
    const credential = { mid: claims.mid, sid: claims.sid, subject: String(client.uid) };
    const file = { fileName: 'x', contentType: 'text/plain', sizeInBytes: 1_000_000 };
    const reserved = await liveObject(room.sessionId).reserveFile(credential, file);
    if (!reserved.ok) throw new Error(reserved.code);
    await env.FILES.put(reserved.value.r2Key, 'half');
    expect((await upload(token, 'x')).body.code).toBe('quota_exceeded');
    expect((await list(token)).body).toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    await runDurableObjectAlarm(liveStub(room.sessionId));
    expect((await upload(token, 'x')).status).toBe(200);
    await until(async () => !(await keysIn()).includes(reserved.value.r2Key));
    const committed = await liveObject(room.sessionId).commitFile(credential, reserved.value.fileKey);
    expect(committed).toEqual({ ok: false, code: 'reservation_lapsed' });
  });

  it('I6 holds the limits under a hundred parallel uploads with aborts, and counts what is stored', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const broken = index % 4 === 0;
        const length = String(broken ? 200_000 : 150_000);
        const answer = await upload(token, new Uint8Array(150_000).fill(index), { 'content-length': length });
        return answer.status;
      }),
    );
    const stored = outcomes.filter(status => status === 200).length;
    expect(stored).toBeGreaterThan(0);
    expect(stored).toBeLessThanOrEqual(3);
    const { body } = await list(token);
    expect(body).toHaveLength(stored);
    expect(await keysIn()).toHaveLength(stored);
    const held = await runInDurableObject(liveStub(room.sessionId), (_, { storage }) =>
      storage.sql
        .exec<{ n: number; b: number }>('SELECT count(*) AS n, sum(sizeInBytes) AS b FROM files')
        .one(),
    );
    expect(held).toEqual({ n: stored, b: stored * 150_000 });
  });

  it('sweeps what a crash left under days that are over, and nothing of sessions that still stand', async () => {
    await upload(token, 'kept');
    const [kept] = await keysIn();
    const past = `live/2020-01-01/${room.sessionId}/orphan`;
    const gone = `live/2020-01-01/${'f'.repeat(64)}/orphan`;
    await Promise.all([env.FILES.put(past, 'x'), env.FILES.put(gone, 'x')]);
    const deps = {
      files: env.FILES,
      now: () => Date.now() + 30 * 86_400_000,
      liveSession: (id: string) => (id === room.sessionId ? liveObject(id) : null),
    };
    await sweepFiles(deps, 0);
    await env.FILES.put(past, 'x');
    await sweepFiles(deps, 0.9);
    await sweepFiles(deps, 0.1);
    const { objects } = await env.FILES.list({ prefix: 'live/' });
    const left = objects.map(({ key }) => key);
    expect(left).toContain(kept);
    expect(left).not.toContain(past);
    expect(left).not.toContain(gone);
  });
});

describe('refuses', () => {
  it('one file too many, and one byte too many', async () => {
    for (let index = 0; index < 3; index += 1) expect((await upload(token, 'x')).status).toBe(200);
    expect(await upload(token, 'x')).toMatchObject({ status: 409, body: { code: 'file_limit_reached' } });
    await call('PATCH', '/session/current', { token: room.token, body: { rules: { maxFiles: 10 } } });
    expect((await upload(token, new Uint8Array(999_997))).status).toBe(200);
    expect(await upload(token, 'x')).toMatchObject({ status: 413, body: { code: 'quota_exceeded' } });
  });

  it('S42 a body without a length, and one that disagrees with it, leaving nothing', async () => {
    const stream = () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('streamed'));
          controller.close();
        },
      });
    expect((await upload(token, stream())).status).toBe(411);
    for (const length of ['7', '9']) {
      const answer = await upload(token, stream(), { 'content-length': length });
      expect(answer).toMatchObject({ status: 400, body: { code: 'length_mismatch' } });
    }
    expect((await upload(token, stream(), { 'content-length': '8' })).status).toBe(200);
    expect((await list(token)).body).toHaveLength(1);
    expect(await keysIn()).toHaveLength(1);
  });

  it.each([
    ['no name', { 'file-name': '' }],
    ['a name with a control character', { 'file-name': 'a%00b' }],
    ['a name with a direction override', { 'file-name': encodeURIComponent('exe.\u202etxt') }],
    ['a long name', { 'file-name': 'x'.repeat(256) }],
    ['a type that is none', { 'content-type': 'text' }],
    ['two types in one', { 'content-type': 'image/png;,text/html' }],
    ['a type with more than ASCII', { 'content-type': 'image/png; x=\u00e9' }],
  ])('%s', async (_, headers) => {
    expect(await upload(token, 'x', headers as unknown as Record<string, string>)).toMatchObject({
      status: 400,
      body: { code: 'invalid_input' },
    });
  });

  it('a file larger than the deployment takes', async () => {
    const answer = await upload(token, 'x', { 'content-length': '100000001' });
    expect(answer).toMatchObject({ status: 413, body: { code: 'file_too_large' } });
  });

  it('S44 to let a name become a path', async () => {
    const { fileKey, fileName } = (await upload(token, 'x', { 'file-name': '..%2f..%2fetc%2fpasswd' })).body;
    expect(fileName).toBe('../../etc/passwd');
    const served = await fetchFile(token, fileKey);
    expect(served.headers.get('content-disposition')).toContain('filename=".._.._etc_passwd"');
    expect((await keysIn())[0]).toContain(fileKey);
  });
});

describe('keeps out', () => {
  it('whoever is not in: nobody, the kicked, strangers, users by their own token', async () => {
    const { fileKey } = (await upload(room.token, 'secret')).body;
    const stranger = await openRoom(await signIn(`files-stranger-${round}`));
    await call('POST', '/session/current/kick', { token: room.token, body: { userId: client.userId } });
    for (const [member, status] of [
      [undefined, 401],
      ['x', 401],
      [host.accessToken, 401],
      [token, 401],
    ] as const) {
      expect((await upload(member, 'x')).status).toBe(status);
      expect((await call('GET', '/session/current/files', { token: member })).status).toBe(status);
      expect((await call('GET', `/session/current/files/${fileKey}`, { token: member })).status).toBe(status);
      expect((await call('DELETE', `/session/current/files/${fileKey}`, { token: member })).status).toBe(
        status,
      );
    }
    expect((await fetchFile(stranger.token, fileKey)).status).toBe(404);
    expect((await remove(stranger.token, fileKey)).status).toBe(404);
  });

  it("a member from deleting another's file", async () => {
    const { fileKey } = (await upload(room.token, 'x')).body;
    expect(await remove(token, fileKey)).toMatchObject({ status: 403, body: { code: 'not_your_file' } });
  });

  it('the upload of a member who is kicked while it streams', async () => {
    let finish = () => {};
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('half'));
        finish = () => {
          controller.enqueue(new TextEncoder().encode('done'));
          controller.close();
        };
      },
    });
    const uploading = upload(token, body, { 'content-length': '8' });
    await until(async () =>
      runInDurableObject(
        liveStub(room.sessionId),
        (_, { storage }) => storage.sql.exec('SELECT 1 FROM files').toArray().length > 0,
      ),
    );
    await call('POST', '/session/current/kick', { token: room.token, body: { userId: client.userId } });
    finish();
    expect(await uploading).toMatchObject({ status: 401, body: { code: 'membership_ended' } });
    expect((await list(room.token)).body).toEqual([]);
    expect(await keysIn()).toEqual([]);
  });
});
