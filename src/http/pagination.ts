import type { Context } from 'hono';
import type { ZodType } from 'zod';
import { AppError } from '../errors.ts';
import { fromBase64, toBase64Url } from '../ids.ts';

/** Reads an opaque cursor of ours. Refuses every other text. */
export function readCursor<T>(schema: ZodType<T>, text: string | undefined): T | null {
  if (text === undefined) return null;
  try {
    const json = new TextDecoder().decode(fromBase64(text) ?? new Uint8Array());
    return schema.parse(JSON.parse(json));
  } catch {
    throw new AppError('invalid_cursor');
  }
}

/** Names the next page in a `Link` header (RFC 8288), so that an answer keeps its shape. */
export function linkNext(c: Context, cursor: unknown): void {
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', toBase64Url(new TextEncoder().encode(JSON.stringify(cursor))));
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
