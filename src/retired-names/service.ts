import { deriveMac } from '../crypto/derive.ts';
import type { Deps } from '../deps.ts';
import { toBase64Url } from '../ids.ts';
import { nfc } from '../text.ts';
import { deleteRetiredBan, findRetiredBanOf, type KeyedHashes } from './store.ts';

/** What a name is the name of. */
export type NameKind = 'userId' | 'username' | 'email' | 'tele' | 'wallet' | 'walletOwner';
export type Name = readonly [kind: NameKind, value: string];

/** The keyed hashes a name may be kept as, once it is all that is left of a user: one for each pepper, the newest first. */
export async function hashName({ config }: Pick<Deps, 'config'>, [kind, value]: Name): Promise<KeyedHashes> {
  const macs = config.namePeppers.map(pepper => deriveMac(pepper, 'retired-name', `${kind}|${value}`));
  // As many as there are peppers, and a deployment without one does not start.
  return (await Promise.all(macs)).map(toBase64Url) as [string, ...string[]];
}

/** The hash under which a name is written down. */
export async function newestHash(deps: Pick<Deps, 'config'>, name: Name): Promise<string> {
  return (await hashName(deps, name))[0];
}

/** Lifts the ban that outlived an erased user; whether there was one. */
export async function liftRetiredBan(deps: Pick<Deps, 'config' | 'db'>, userId: string): Promise<boolean> {
  return deleteRetiredBan(deps.db, await hashName(deps, ['userId', nfc(userId)]));
}

/** The ban that outlived an erased user, where one is in force. `until` in epoch ms; null: until lifted. */
export async function findRetiredBan(
  deps: Pick<Deps, 'config' | 'db' | 'now'>,
  userId: string,
): Promise<{ until: number | null } | null> {
  return findRetiredBanOf(deps.db, await hashName(deps, ['userId', nfc(userId)]), deps.now());
}
