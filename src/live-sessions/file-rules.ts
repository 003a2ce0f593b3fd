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
  return `live/${new Date(expiresAt).toISOString().slice(0, 10)}/${sessionId}/${fileKey}`;
}
