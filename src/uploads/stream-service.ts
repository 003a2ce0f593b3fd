import type { Deps } from '../deps.ts';
import { logFault } from '../log.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { OpenedBody } from './contract.ts';

export interface ObjectToPut {
  key: string;
  contentType: string;
  /** In bytes, as declared: R2 takes no more and no less. */
  size: number;
}

/**
 * Sends a body to R2 as it comes, over nothing that is there. Refuses `length_mismatch` where it was shorter or longer
 * than declared, or broke off; what is refused, the caller deletes.
 */
export async function putStream(
  { files }: Pick<Deps, 'files'>,
  { key, contentType, size }: ObjectToPut,
  { head, rest }: OpenedBody,
): Promise<Result<undefined, 'length_mismatch' | 'storage_unavailable'>> {
  const sized = new FixedLengthStream(size);
  const counted = countBytes(head);
  // Both are waited for whatever becomes of the other: what is cleaned up after must not come later.
  const [sent, stored] = await Promise.allSettled([
    (rest ?? new Blob([]).stream()).pipeThrough(counted.stream).pipeTo(sized.writable),
    files.put(key, sized.readable, { httpMetadata: { contentType }, onlyIf: { etagDoesNotMatch: '*' } }),
  ]);
  if (sent.status === 'fulfilled' && stored.status === 'fulfilled' && stored.value) return ok(undefined);
  if (counted.bytes() !== size) return refuse('length_mismatch');
  logFault('object not stored', stored.status === 'rejected' ? stored.reason : 'something is there');
  return refuse('storage_unavailable');
}

/** Passes on the head and whatever comes, and counts it. */
function countBytes(head: Uint8Array) {
  let bytes = head.byteLength;
  const stream = new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      if (bytes > 0) controller.enqueue(head);
    },
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      controller.enqueue(chunk);
    },
  });
  return { stream, bytes: () => bytes };
}
