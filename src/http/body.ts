import type { Context, HonoRequest } from 'hono';
import { AppError } from '../errors.ts';

/** Bytes, counted on the stream. */
const LARGEST_BODY = 64 * 1024;
const DEEPEST = 32;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;
/** The same pattern as Hono's. A type that passed here and not there would be read as `{}`. */
const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/**
 * Reads a JSON body once, as bytes, and hands the checked text to `c.req.json()`. An empty body counts as `{}`.
 * Hono's own reading would take an undeclared body for `{}`, and bend invalid UTF-8 into U+FFFD.
 */
export async function readJsonBody(c: Context): Promise<void> {
  const bytes = await readBytes(c.req);
  if (bytes.length === 0) {
    handOver(c, '{}');
    return;
  }
  if (!JSON_TYPE.test(c.req.header('content-type') ?? '')) throw new AppError('unsupported_media_type');
  const text = decode(bytes);
  checkShape(parse(text));
  handOver(c, text);
}

/** Hono's cache holds promises, although its types name the values. */
function handOver(c: Context, text: string): void {
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string;
}

/** Reads a form once, within the same limit. */
export async function readFormBody(c: Context): Promise<void> {
  const bytes = await readBytes(c.req);
  if (bytes.length > 0 && !FORM_TYPE.test(c.req.header('content-type') ?? '')) {
    throw new AppError('unsupported_media_type', { detail: 'application/x-www-form-urlencoded is expected' });
  }
  const fields = new FormData();
  for (const [name, value] of new URLSearchParams(decode(bytes))) fields.append(name, value);
  c.req.bodyCache.formData = Promise.resolve(fields) as unknown as FormData;
}

/** The body, within the limit. Every later call gets the same bytes. */
export async function readBytes({ raw, bodyCache }: HonoRequest): Promise<Uint8Array<ArrayBuffer>> {
  const known = bodyCache.arrayBuffer as Promise<ArrayBuffer> | undefined;
  if (known) return new Uint8Array(await known);
  const bytes = await readLimited(raw.body);
  bodyCache.arrayBuffer = Promise.resolve(bytes.buffer) as unknown as ArrayBuffer;
  return bytes;
}

async function readLimited(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > LARGEST_BODY) throw new AppError('body_too_large');
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new AppError('invalid_json', { detail: 'The body is not UTF-8' });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('invalid_json');
  }
}

/** Refuses texts that JSON allows and storage cannot keep: lone surrogates, and very deep nesting. */
function checkShape(root: unknown): void {
  let values = [root];
  for (let depth = 1; values.length > 0; depth += 1) {
    for (const value of values) if (typeof value === 'string') checkText(value);
    const containers = values.filter(isContainer);
    if (containers.length > 0 && depth > DEEPEST) {
      throw new AppError('invalid_json', { detail: `Deeper than ${DEEPEST} levels` });
    }
    for (const container of containers) Object.keys(container).forEach(checkText);
    values = containers.flatMap(container => Object.values(container));
  }
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

function checkText(text: string): void {
  if (!text.isWellFormed()) throw new AppError('invalid_json', { detail: 'A string holds a lone surrogate' });
}
