import { deriveMac } from '../crypto/derive.ts';
import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere } from '../errors.ts';
import { toBase64Url } from '../ids.ts';
import { logFault } from '../log.ts';
import type { Ban } from './contract.ts';
import {
  deleteErased,
  deleteLapsedBans,
  deleteRetiredBan,
  findErased,
  markErased,
  type RetiredName,
} from './erasure-store.ts';
import { findReservedOf, findUserByUid } from './store.ts';

/** What erasing a user means to the parts above this one; supplied by `deps`. Every step may run any number of times. */
export interface Erasure {
  currentBan: (uid: number) => Promise<Ban | null>;
  /** Ends every device session and lets nobody in; `everywhere` false while a live session has not heard. */
  endSessions: (uid: number) => Promise<{ everywhere: boolean }>;
  /** Clears what is kept about the user outside of this part: presence, uploads, where they signed in by password. */
  clear: (user: { uid: number; username: string | null }) => Promise<void>;
}

/** What a name is the name of. */
export type NameKind = 'userId' | 'username' | 'email' | 'tele' | 'wallet';
export type Name = readonly [kind: NameKind, value: string];

/** How many users the cron trigger goes on erasing at once. */
const ERASED_AT_ONCE = 20;

/**
 * The keyed hashes a name may be kept as, once it is all that is left of a user: one for each master secret, the
 * newest first.
 */
export async function hashName({ config }: Pick<Deps, 'config'>, [kind, value]: Name): Promise<string[]> {
  const macs = config.masterSecrets.map(secret => deriveMac(secret, 'retired-name', `${kind}|${value}`));
  return (await Promise.all(macs)).map(toBase64Url);
}

/**
 * Erases a user: marked first, so that nothing finds or admits them any more, then their device sessions, then what
 * others keep about them, the rows last. What a crash leaves undone the cron trigger does. 503 where a live session
 * has not heard yet: the erasure stands, and goes on.
 */
export async function eraseUser(deps: Erasing, uid: number): Promise<void> {
  const found = await findUserByUid(deps.db, uid);
  if (!found) throw new AppError('user_not_found');
  const ban = await deps.erasure.currentBan(uid);
  const retired = await retiredNames(deps, found.row, ban);
  const marked = await markErased(deps.db, uid, retired, deps.now());
  if (!marked) throw new AppError('user_not_found');
  deps.audit('erased', { uid });
  await finishErasure(deps, { uid, username: found.row.username });
}

/** Goes on with every erasure that is not done; how many were finished. */
export async function sweepErased(deps: Erasing): Promise<number> {
  await deleteLapsedBans(deps.db, deps.now());
  const erased = await findErased(deps.db, ERASED_AT_ONCE);
  const outcomes = await Promise.allSettled(erased.map(user => finishErasure(deps, user)));
  for (const outcome of outcomes) {
    const known = outcome.status === 'fulfilled' || outcome.reason instanceof AppError;
    if (!known) logFault('erasure not finished', outcome.reason);
  }
  return outcomes.filter(outcome => outcome.status === 'fulfilled').length;
}

/** Lifts the ban that outlived an erased user; whether there was one. */
export async function liftRetiredBan(deps: Pick<Deps, 'config' | 'db'>, userId: string): Promise<boolean> {
  return deleteRetiredBan(deps.db, await hashName(deps, ['userId', userId.normalize('NFC')]));
}

export type Erasing = Pick<Deps, 'config' | 'db' | 'now' | 'audit' | 'erasure'>;

async function finishErasure(deps: Erasing, user: Parameters<Erasure['clear']>[0]): Promise<void> {
  requireEverywhere(await deps.erasure.endSessions(user.uid));
  await deps.erasure.clear(user);
  await deleteErased(deps.db, user.uid);
}

/** What is remembered of the user: that the `userId` is taken for ever, and what a ban goes on refusing. */
async function retiredNames(
  deps: Pick<Deps, 'config' | 'db' | 'now'>,
  { id, userId, username }: { id: number; userId: string; username: string | null },
  ban: Ban | null,
): Promise<RetiredName[]> {
  const newest = async (name: Name) => (await hashName(deps, name))[0] ?? '';
  const owner = await newest(['userId', userId]);
  const name: RetiredName = { hash: owner, kind: 'name', owner, until: null };
  const over = ban?.until != null && ban.until <= deps.now();
  if (!ban || over) return [name];
  const locators = await findReservedOf(deps.db, id);
  const refused: Name[] = [
    ...(username === null ? [] : [['username', username.toLowerCase()] as const]),
    ...locators.map(({ type, value }) => [type, value] as const),
  ];
  const hashes = await Promise.all(refused.map(newest));
  const { until } = ban;
  return [name, ...hashes.map(hash => ({ hash, kind: 'ban' as const, owner, until }))];
}
