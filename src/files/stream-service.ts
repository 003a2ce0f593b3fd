import type { Deps } from '../deps.ts';
import { logFault } from '../log.ts';
import { ok, type Result, refuse } from '../result.ts';

export interface ObjectToPut {
  key: string;
  contentType: string;
  /** In bytes, as declared: R2 takes no more and no less. */
  size: number;
}

/** What of a body is in memory at once. */
const WINDOW_BYTES = 64 * 1024;

/**
 * Sends a body to R2 as it comes, over nothing that is there. Refuses `length_mismatch` where it was shorter or longer
 * than declared, or broke off; what is refused, the caller deletes.
 */
export async function putStream(
  { files }: Pick<Deps, 'files'>,
  { key, contentType, size }: ObjectToPut,
  { head, rest }: PeekedBody,
): Promise<Result<undefined, 'length_mismatch' | 'storage_unavailable'>> {
  const sized = new FixedLengthStream(size);
  const counted = { bytes: head.byteLength };
  // Both are waited for whatever becomes of the other: what is cleaned up after must not come later.
  const [sent, stored] = await Promise.allSettled([
    send({ head, rest }, sized.writable, counted),
    files.put(key, sized.readable, { httpMetadata: { contentType }, onlyIf: { etagDoesNotMatch: '*' } }),
  ]);
  if (sent.status === 'fulfilled' && stored.status === 'fulfilled' && stored.value) return ok(undefined);
  if (counted.bytes !== size) return refuse('length_mismatch');
  logFault('object not stored', stored.status === 'rejected' ? stored.reason : 'something is there');
  return refuse('storage_unavailable');
}

/**
 * Passes on the head and whatever comes, and counts it. Through one window that is used over and over: chunks that are
 * new every time pile up faster than they are collected, to 25 MB an upload where eight of 50 MB come at once.
 */
async function send(
  { head, rest }: PeekedBody,
  target: WritableStream<Uint8Array>,
  counted: { bytes: number },
): Promise<void> {
  const writer = target.getWriter();
  try {
    const reader = rest?.getReader({ mode: 'byob' });
    if (head.byteLength > 0) await writer.write(head);
    let window = new Uint8Array(WINDOW_BYTES);
    while (reader) {
      const { done, value } = await reader.read(window);
      if (done) break;
      counted.bytes += value.byteLength;
      await writer.write(value);
      window = new Uint8Array(value.buffer);
    }
    await writer.close();
  } catch (error) {
    // What waits at the other end hears of it; the rest of the body is of no use to anybody.
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

/** A body whose first bytes were looked at. */
export interface PeekedBody {
  /** The bytes that were read already. */
  head: Uint8Array;
  /** What comes after them; null where nothing does. */
  rest: ReadableStream<Uint8Array> | null;
}
