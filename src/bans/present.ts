import { iso } from '../times.ts';
import type { StoredBan } from '../users/contract.ts';

const isoOrNull = (at: number | null) => (at === null ? null : iso(at));

/** A ban, as a secret key sees it. `by` is the id of the key that set it; null in bans from before this was stored. */
export function presentBan({ reason, until, since, keyId }: StoredBan) {
  return { reason, until: isoOrNull(until), since: isoOrNull(since), by: keyId };
}
