import { iso } from '../times.ts';
import type { NewKey } from './service.ts';
import type { KeyRow } from './store.ts';

/** A key as it is listed: `start` tells keys apart without giving them away. */
export function presentKey({ id, name, kind, createdAt, lastUsedAt }: KeyRow) {
  return {
    id,
    name,
    kind: kind === 'pk' ? 'publishable' : 'secret',
    start: `${kind}_…${id.slice(0, 6)}`,
    createdAt: iso(createdAt),
    lastUsedAt: lastUsedAt === null ? null : iso(lastUsedAt),
  };
}

/** A key just made, with its text, this once. */
export function presentNewKey({ row, ...texts }: NewKey) {
  return { ...presentKey(row), ...texts };
}
