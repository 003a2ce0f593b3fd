import { AppError } from '../errors.ts';

/** The types that a browser may show in place, because nothing in them can run. Every other file is for saving. */
const SHOWN = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
]);

export interface ServedFile {
  fileName: string;
  contentType: string;
  sizeInBytes: number;
}

interface Span {
  offset: number;
  length: number;
}

/**
 * Answers with an object of R2: ranges and conditions as the request asks (RFC 9110 §13, §14), shown in place only where a
 * browser could not run it. Null where there is no such object.
 */
export async function serveObject(
  bucket: R2Bucket,
  key: string,
  request: Request,
  { fileName, contentType, sizeInBytes }: ServedFile,
): Promise<Response | null> {
  // Ranges are for GET alone (RFC 9110 §14.2).
  const isHead = request.method === 'HEAD';
  const span = isHead ? null : spanAsked(request.headers.get('range'), sizeInBytes);
  const onlyIf = conditionsOf(request.headers);
  const reachable = span !== null && span.length > 0;
  const object = await bucket.get(key, reachable ? { onlyIf, range: span } : { onlyIf });
  if (!object) return null;
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const inline = SHOWN.has(type);
  const headers = new Headers({
    // Under any other type a page could run it: nosniff refuses a script only where the type is none.
    'Content-Type': inline ? type : 'application/octet-stream',
    'Content-Disposition': disposition(inline ? 'inline' : 'attachment', fileName),
    'X-Content-Type-Options': 'nosniff',
    ETag: object.httpEtag,
    'Accept-Ranges': 'bytes',
  });
  if (!inline) headers.set('Content-Security-Policy', "sandbox; default-src 'none'");
  if (!('body' in object)) {
    const required = onlyIf.has('if-match') || onlyIf.has('if-unmodified-since');
    return new Response(null, { status: required ? 412 : 304, headers });
  }
  const ifRange = request.headers.get('if-range');
  if (span && ifRange !== null && ifRange !== object.httpEtag) {
    // The range was meant for another state of the file, so the whole file is sent.
    await object.body.cancel();
    return serveObject(bucket, key, new Request(request.url), { fileName, contentType, sizeInBytes });
  }
  if (span && !reachable) {
    await object.body.cancel();
    throw new AppError('range_not_satisfiable', { headers: { 'Content-Range': `bytes */${sizeInBytes}` } });
  }
  headers.set('Content-Length', String(span?.length ?? sizeInBytes));
  if (isHead) {
    await object.body.cancel();
    return new Response(null, { headers });
  }
  if (!span) return new Response(object.body, { headers });
  const last = span.offset + span.length - 1;
  headers.set('Content-Range', `bytes ${span.offset}-${last}/${sizeInBytes}`);
  return new Response(object.body, { status: 206, headers });
}

/** The single range of the request, empty where the file ends before it; null where there is none, or several. */
function spanAsked(header: string | null, size: number): Span | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return null;
  if (first === '') {
    const length = Math.min(size, Number(last));
    return { offset: size - length, length };
  }
  if (last !== '' && Number(last) < Number(first)) return null;
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { offset: Number(first), length: Math.max(0, end - Number(first) + 1) };
}

const ENTITY_TAGS = /^(\*|(W\/)?"[\x21\x23-\x7e]*"(\s*,\s*(W\/)?"[\x21\x23-\x7e]*")*)$/;

/** The request's conditions, without malformed ones, which R2 would treat as a fault of Usher. */
function conditionsOf(given: Headers): Headers {
  const conditions = new Headers();
  for (const name of ['if-match', 'if-none-match']) {
    const value = given.get(name)?.trim();
    if (value !== undefined && ENTITY_TAGS.test(value)) conditions.set(name, value);
  }
  for (const name of ['if-modified-since', 'if-unmodified-since']) {
    const value = given.get(name);
    if (value !== null && !Number.isNaN(Date.parse(value))) conditions.set(name, value);
  }
  return conditions;
}

/** RFC 6266: a plain name for old clients and the real one in UTF-8. Neither can be a path. */
function disposition(kind: 'inline' | 'attachment', fileName: string): string {
  const name = fileName.replace(/[/\\]/g, '_');
  const plain = name.replace(/[^\x20-\x7e]|["%;]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
