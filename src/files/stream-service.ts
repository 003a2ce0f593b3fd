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
 * than declared, or broke off, and `storage_unavailable` as soon as R2 gives up. The caller deletes what is refused.
 */
export async function putStream(
  { files }: Pick<Deps, 'files'>,
  { key, contentType, size }: ObjectToPut,
  body: PeekedBody,
): Promise<Result<undefined, 'length_mismatch' | 'storage_unavailable'>> {
  const sized = new FixedLengthStream(size);
  const transfer = { bytes: body.head.byteLength, over: false };
  const gaveUp = new AbortController();
  const storing = files
    .put(key, sized.readable, { httpMetadata: { contentType }, onlyIf: { etagDoesNotMatch: '*' } })
    .then(object => {
      if (!object) throw new Error('something is there');
    });
  let early = false;
  // Once R2 gives up, nothing reads what is sent: waiting for that would never end.
  storing.catch(reason => {
    early = !transfer.over;
    gaveUp.abort(reason);
  });
  // Both are waited for: what the caller cleans up must not arrive after it.
  const [sent, stored] = await Promise.allSettled([
    send(body, sized.writable, transfer, gaveUp.signal),
    storing,
  ]);
  if (sent.status === 'fulfilled' && stored.status === 'fulfilled') return ok(undefined);
  if (transfer.bytes > size || (transfer.bytes < size && !early)) return refuse('length_mismatch');
  logFault('object not stored', stored.status === 'rejected' ? stored.reason : 'it was, and the body broke');
  return refuse('storage_unavailable');
}

/**
 * Passes on the head and the rest of a body, and counts it. It uses one window over and over: chunks that are new every
 * time pile up faster than they are collected, to 25 MB an upload where eight of 50 MB come at once.
 */
async function send(
  { head, rest }: PeekedBody,
  target: WritableStream<Uint8Array>,
  transfer: { bytes: number; over: boolean },
  gaveUp: AbortSignal,
): Promise<void> {
  const writer = target.getWriter();
  const reader = rest?.getReader({ mode: 'byob' });
  const ended = new Promise<never>((_, reject) => {
    gaveUp.addEventListener('abort', () => reject(gaveUp.reason));
  });
  ended.catch(() => {});
  try {
    if (head.byteLength > 0) await Promise.race([writer.write(head), ended]);
    let window = new Uint8Array(WINDOW_BYTES);
    while (reader) {
      const { done, value } = await Promise.race([reader.read(window), ended]);
      if (done) break;
      transfer.bytes += value.byteLength;
      await Promise.race([writer.write(value), ended]);
      window = new Uint8Array(value.buffer);
    }
    transfer.over = true;
    await Promise.race([writer.close(), ended]);
  } catch (error) {
    transfer.over = true;
    // The other end of the stream hears of it. Its answer is not waited for: it may never come.
    writer.abort(error).catch(() => {});
    reader?.cancel(error).catch(() => {});
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
