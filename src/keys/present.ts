import { iso } from '../times.ts';
import type { NewKey } from './service.ts';
import type { KeyRow } from './store.ts';

/** A key in a list. `start` is the beginning of its text, enough to tell keys apart. */
export function presentKey({
  id,
  name,
  kind,
  createdAt,
  lastUsedAt,
  verifies = true,
}: KeyRow & { verifies?: boolean }) {
  return {
    id,
    name,
    kind: kind === 'pk' ? 'publishable' : 'secret',
    start: `${kind}_…${id.slice(0, 6)}`,
    createdAt: iso(createdAt),
    lastUsedAt: lastUsedAt === null ? null : iso(lastUsedAt),
    // Shown only of a dead key: its master secret has left the ring.
    ...(verifies ? {} : { verifies }),
  };
}

/** A new key with its text, which is shown only now. */
export function presentNewKey({ row, ...texts }: NewKey) {
  return { ...presentKey(row), ...texts };
}
