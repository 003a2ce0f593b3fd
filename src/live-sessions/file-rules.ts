/** What a session may hold: decisions over counts, `now` in epoch ms. */
import { ok, type Result, refuse } from '../result.ts';

/** An upload that has not arrived by then gives its place back. */
export const RESERVATION_MS = 15 * 60_000;

const MEGABYTE = 1_000_000;

export interface Holdings {
  /** Stored and reserved alike. */
  files: number;
  bytes: number;
}

export interface FileLimits {
  maxFiles: number;
  maxTotalMegaBytes: number;
}

/** Whether one more file of this size has its place. */
export function reserve(
  held: Holdings,
  limits: FileLimits,
  sizeInBytes: number,
): Result<undefined, 'file_limit_reached' | 'quota_exceeded'> {
  if (held.files >= limits.maxFiles) return refuse('file_limit_reached');
  if (held.bytes + sizeInBytes > limits.maxTotalMegaBytes * MEGABYTE) return refuse('quota_exceeded');
  return ok(undefined);
}

/** Where a file lies: under the day its session was to end when it came, so that the sweeper goes day by day. */
export function storageKey(expiresAt: number, sessionId: string, fileKey: string): string {
  return `${STORED}${dayOf(expiresAt)}/${sessionId}/${fileKey}`;
}

/** What every storage key begins with. */
export const STORED = 'live/';

export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The day and the session a file lies under; empty texts for what is no storage key. */
export function readStorageKey(key: string): { day: string; sessionId: string } {
  const [, day = '', sessionId = ''] = key.split('/');
  return { day, sessionId };
}
