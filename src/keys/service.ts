import { equalBytes } from '../crypto/constant-time.ts';
import type { Deps } from '../deps.ts';
import { fromBase64 } from '../ids.ts';
import { deriveKeySecret } from './derive.ts';
import type { KeyKind, PresentedKey } from './rules.ts';
import { findKey } from './store.ts';

/** How long an isolate may go on believing that a key stands (or does not): the bound on a revocation. */
const CACHE_MS: Record<KeyKind, number> = { pk: 60_000, sk: 5_000 };
const CACHE_SIZE = 1_000;

const cache = new Map<string, { stands: boolean; at: number }>();

/**
 * Whether a presented key is genuine and stands. A forged one is told by its MAC, without a read; a genuine one
 * costs a read of D1, once per isolate in 60 s (publishable) or 5 s (secret).
 */
export async function verifyKey(
  deps: Pick<Deps, 'db' | 'config' | 'now'>,
  presented: PresentedKey | null,
  kind: KeyKind,
): Promise<boolean> {
  if (presented?.kind !== kind) return false;
  const master = deps.config.masterSecrets.find(secret => secret.version === presented.version);
  const claimed = fromBase64(presented.secret);
  if (!master || !claimed) return false;
  const genuine = fromBase64(await deriveKeySecret(master, presented));
  if (!genuine || !equalBytes(genuine, claimed)) return false;
  return stands(deps, kind, presented.id);
}

async function stands(deps: Pick<Deps, 'db' | 'now'>, kind: KeyKind, id: string): Promise<boolean> {
  const known = cache.get(id);
  const now = deps.now();
  if (known && now - known.at < CACHE_MS[kind] && now >= known.at) return known.stands;
  const found = (await findKey(deps.db, kind, id)) !== null;
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(id, { stands: found, at: now });
  return found;
}
