import type { Deps } from '../deps.ts';
import { shardOf } from './rules.ts';

/** What a key is for: two purposes never collide. */
export type SingleUsePurpose = 'auth-token' | 'device-token';

/** Spends a key; true for exactly one of any number of callers. `until` in epoch ms. */
export async function spend(
  deps: Pick<Deps, 'singleUse'>,
  purpose: SingleUsePurpose,
  key: string,
  until: number,
): Promise<boolean> {
  const name = `${purpose} ${key}`;
  return deps.singleUse(await shard(name)).spend(name, until);
}

export async function isSpent(
  deps: Pick<Deps, 'singleUse'>,
  purpose: SingleUsePurpose,
  key: string,
): Promise<boolean> {
  const name = `${purpose} ${key}`;
  return deps.singleUse(await shard(name)).isSpent(name);
}

async function shard(name: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(name));
  return shardOf(new Uint8Array(hash));
}
