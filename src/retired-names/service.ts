import { deriveMac } from '../crypto/derive.ts';
import type { Deps } from '../deps.ts';
import { toBase64Url } from '../ids.ts';
import { nfc } from '../text.ts';
import { deleteRetiredBan } from './store.ts';

/** What a name is the name of. */
export type NameKind = 'userId' | 'username' | 'email' | 'tele' | 'wallet';
export type Name = readonly [kind: NameKind, value: string];

/**
 * The keyed hashes a name may be kept as, once it is all that is left of a user: one for each master secret, the
 * newest first.
 */
export async function hashName({ config }: Pick<Deps, 'config'>, [kind, value]: Name): Promise<string[]> {
  const macs = config.masterSecrets.map(secret => deriveMac(secret, 'retired-name', `${kind}|${value}`));
  return (await Promise.all(macs)).map(toBase64Url);
}

/** Lifts the ban that outlived an erased user; whether there was one. */
export async function liftRetiredBan(deps: Pick<Deps, 'config' | 'db'>, userId: string): Promise<boolean> {
  return deleteRetiredBan(deps.db, await hashName(deps, ['userId', nfc(userId)]));
}
