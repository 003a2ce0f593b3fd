import { AppError } from '../errors.ts';

/** What a browser may show in place: nothing in them can run. Everything else is for saving. */
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
}

/**
 * Answers with an object of R2: ranges and conditions as the request asks (RFC 9110 §13, §14), shown in place only where a
 * browser could not run it. Null where there is no such object.
 */
export async function serveObject(
  bucket: R2Bucket,
  key: string,
  request: Request,
  { fileName, contentType }: ServedFile,
): Promise<Response | null> {
  const object = await bucket.get(key, { range: request.headers, onlyIf: request.headers });
  if (!object) return null;
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const inline = SHOWN.has(type);
  const headers = new Headers({
    'Content-Type': contentType,
    'Content-Disposition': disposition(inline ? 'inline' : 'attachment', fileName),
    'X-Content-Type-Options': 'nosniff',
    ETag: object.httpEtag,
    'Accept-Ranges': 'bytes',
  });
  if (!inline) headers.set('Content-Security-Policy', "sandbox; default-src 'none'");
  if (!('body' in object)) {
    const asked = request.headers.has('if-match') || request.headers.has('if-unmodified-since');
    return new Response(null, { status: asked ? 412 : 304, headers });
  }
  const span = spanAsked(request.headers.get('range'), object.size);
  const { offset, length } = span ?? { offset: 0, length: object.size };
  headers.set('Content-Length', String(length));
  if (!span) return new Response(object.body, { headers });
  if (length <= 0) {
    await object.body.cancel();
    throw new AppError('range_not_satisfiable', { headers: { 'Content-Range': `bytes */${object.size}` } });
  }
  headers.set('Content-Range', `bytes ${offset}-${offset + length - 1}/${object.size}`);
  return new Response(object.body, { status: 206, headers });
}

/** The one range asked for, empty where the object ends before it; null for none, or for what R2 does not read. */
function spanAsked(header: string | null, size: number): { offset: number; length: number } | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return null;
  if (first === '') {
    const length = Math.min(size, Number(last));
    return { offset: size - length, length };
  }
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { offset: Number(first), length: end - Number(first) + 1 };
}

/** RFC 6266: a plain name for old clients, the real one in UTF-8; neither can be a path. */
export function disposition(kind: 'inline' | 'attachment', fileName: string): string {
  const name = fileName.replace(/[/\\]/g, '_');
  const plain = name.replace(/[^\x20-\x7e]|["%;]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
