import type { Deps } from '../deps.ts';
import { shardName } from '../platform/objects.ts';
import { shardOf } from './rules.ts';

/** The purpose of a key. Keys of two purposes never collide. */
export type SingleUsePurpose = 'auth-token' | 'device-token' | 'wallet-nonce' | 'signed-request';

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

/** Remembers a key as good for one use, with a detail. False where it is known already. */
export async function issue(
  deps: Pick<Deps, 'singleUse'>,
  purpose: SingleUsePurpose,
  key: string,
  detail: string,
  until: number,
): Promise<boolean> {
  const name = `${purpose} ${key}`;
  return deps.singleUse(await shard(name)).issue(name, detail, until);
}

/** Takes an issued key while it lives. Exactly one caller gets its detail, every other null. */
export async function redeem(
  deps: Pick<Deps, 'singleUse'>,
  purpose: SingleUsePurpose,
  key: string,
): Promise<string | null> {
  const name = `${purpose} ${key}`;
  return deps.singleUse(await shard(name)).redeem(name);
}

async function shard(name: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(name));
  return shardName('spent', shardOf(new Uint8Array(hash)));
}
