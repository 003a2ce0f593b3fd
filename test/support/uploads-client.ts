import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { app } from '../../src/app.ts';
import { type Answer, call, ORIGIN } from './client.ts';

export type Body = string | Uint8Array | ReadableStream;

/** The headers of an upload; `content-length` is that of the body, unless it is a stream or the headers say otherwise. */
function headersOf(body: Body, headers: Record<string, string>): Record<string, string> {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const length = bytes instanceof Uint8Array ? { 'content-length': String(bytes.length) } : {};
  return { 'content-type': 'txt', ...length, ...headers };
}

/** Uploads as this user. */
export const upload = (
  token: string | undefined,
  body: Body,
  headers: Record<string, string> = {},
): Promise<Answer> => call('POST', '/uploads', { token, body, headers: headersOf(body, headers) });

/** Uploads to a deployment where a day holds so many bytes; gives the code of the refusal, else the status. */
export async function uploadOf(
  bytesPerDay: number,
  token: string,
  body: Body,
  headers: Record<string, string> = {},
): Promise<string | number> {
  const ctx = createExecutionContext();
  const request = new Request(`${ORIGIN}/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headersOf(body, headers) },
    body: body as BodyInit,
  });
  const bindings = { ...env, UPLOAD_BYTES_PER_DAY: String(bytesPerDay) };
  const response = await app.fetch(request, bindings, ctx);
  await waitOnExecutionContext(ctx);
  const { code } = (await response.json()) as { code?: string };
  return code ?? response.status;
}

export const fetchUpload = (
  name: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Response> => exports.default.fetch(new Request(`${ORIGIN}/uploads/${name}`, { method, headers }));

/** A body that comes in these pieces. */
export const streamOf = (...pieces: (string | Uint8Array)[]): ReadableStream =>
  new ReadableStream({
    // As the bodies of real requests are.
    type: 'bytes',
    start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
      }
      controller.close();
    },
  });

/** A body of which the test decides when it goes on, and how it ends. */
export function heldBody(first: string | Uint8Array) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const say = (said: string | Uint8Array) =>
    writer.write(typeof said === 'string' ? new TextEncoder().encode(said) : said);
  const begun = say(first);
  // What becomes of them is the other side's to see.
  for (const promise of [begun, writer.closed]) promise.catch(() => {});
  return {
    body: readable,
    finish: async (rest: string) => {
      await begun;
      await say(rest);
      await writer.close();
    },
    breakOff: () => writer.abort(new Error('gone')),
  };
}

export interface Row {
  id: string;
  uid: number;
  state: string;
  fileType: string;
  contentType: string;
  fileSize: number;
  previewWidth: number;
  previewHeight: number;
  createdAt: number;
}

export async function rows(uid?: number): Promise<Row[]> {
  const of = uid === undefined ? '' : ` WHERE uid = ${uid}`;
  return (await env.DB.prepare(`SELECT * FROM uploads${of} ORDER BY createdAt, id`).all<Row>()).results;
}

export const rowOf = async (id: string): Promise<Row | null> =>
  env.DB.prepare('SELECT * FROM uploads WHERE id = ?').bind(id).first<Row>();

/** Names of what lies in R2. */
export async function stored(): Promise<string[]> {
  const names: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await env.FILES.list({ prefix: 'uploads/', ...(cursor === undefined ? {} : { cursor }) });
    names.push(...page.objects.map(({ key }) => key.slice('uploads/'.length)));
    if (!page.truncated) return names;
    cursor = page.cursor;
  }
}

/** A row as something left it, and its bytes where there are some; gives the id. */
export async function leave(
  row: Pick<Row, 'uid' | 'state' | 'createdAt'> & Partial<Row>,
  bytes: string | null = 'x',
): Promise<string> {
  const { id = crypto.randomUUID(), uid, state, createdAt, fileSize = 1 } = row;
  await env.DB.prepare(
    'INSERT INTO uploads (id, uid, fileType, contentType, fileSize, state, createdAt) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
    .bind(id, uid, 'txt', 'text/plain', fileSize, state, createdAt)
    .run();
  if (bytes !== null) await env.FILES.put(`uploads/${id}.txt`, bytes);
  return id;
}
