import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere } from '../errors.ts';
import { logFault } from '../log.ts';
import { repairInPages } from '../platform/paging.ts';
import { erasePresence } from '../presence/service.ts';
import { type Name, newestHash } from '../retired-names/service.ts';
import { deleteLapsed, type RetiredName, retireNames } from '../retired-names/store.ts';
import { foldUsername } from '../text.ts';
import { forgetUsername } from '../throttle/service.ts';
import { eraseUploads } from '../uploads/service.ts';
import type { Ban } from '../users/contract.ts';
import { forgetName } from '../users/lookup-service.ts';
import { isBanned } from '../users/rules.ts';
import { findReservedOf, findUserByUid, type LocatorKey, type UserRow } from '../users/store.ts';
import { hashWallet } from '../users/wallet-service.ts';
import { deleteErased, findErased, type KnownWallet, markErased, measureErased } from './store.ts';

/** A user who is being erased, with the names under which things of theirs are stored. */
type Erased = Pick<UserRow, 'id' | 'userId' | 'username'>;

type Erasing = Pick<
  Deps,
  'config' | 'db' | 'now' | 'audit' | 'deviceSessions' | 'presence' | 'throttle' | 'files'
>;
type Hashing = Pick<Deps, 'config'>;

/** How many users the cron trigger goes on erasing at once, and in how many pages. */
const ERASED_AT_ONCE = 20;
const PAGES_AT_ONCE = 20;

/**
 * Erases a user. The mark comes first, so that nothing finds or admits them from then on. Then their device sessions end,
 * then everything stored elsewhere goes, and the rows go last. The cron trigger goes on after a fault or a crash.
 * `not_everywhere_yet` until then: the erasure stands, but a token may work where the user's object did not answer.
 */
export async function eraseUser(deps: Erasing, uid: number): Promise<void> {
  const found = await findUserByUid(deps.db, uid);
  if (!found) throw new AppError('user_not_found');
  const marked = await markErased(deps.db, uid, await namesOf(deps, found.row), deps.now());
  if (!marked) throw new AppError('user_not_found');
  forgetName(found.row.userId);
  deps.audit('erased', { uid });
  await finishErasure(deps, found.row).catch(error => {
    // The mark stands, so the rest is tried again.
    if (!(error instanceof AppError)) logFault('erasure not finished', error);
    requireEverywhere({ everywhere: false });
  });
}

/** Goes on with every erasure that is not done. Returns how many were finished. */
export async function sweepErased(deps: Erasing): Promise<number> {
  await deleteLapsed(deps.db, deps.now());
  const marked = {
    readPage: (after: number, limit: number) => findErased(deps.db, after, limit),
    measure: () => measureErased(deps.db),
    repair: (user: Erased) => finishErasure(deps, user),
    atOnce: ERASED_AT_ONCE,
    pages: PAGES_AT_ONCE,
  };
  return repairInPages(marked, reason => {
    if (!(reason instanceof AppError)) logFault('erasure not finished', reason);
  });
}

async function finishErasure(deps: Erasing, user: Erased): Promise<void> {
  const { ban, ...ended } = await deps.deviceSessions(user.id).erase();
  requireEverywhere(ended);
  const locators = await findReservedOf(deps.db, user.id);
  // Written down before the object that knows of it forgets.
  if (ban && isBanned(ban, deps.now()))
    await retireNames(deps.db, await refusedBy(deps, user, locators, ban));
  await clear(deps, user);
  await deleteErased(deps.db, user.id, await walletsOf(deps, locators));
}

/** Clears everything about a user outside of D1's rows. Every step may run any number of times. */
async function clear(deps: Erasing, { id: uid, username }: Erased): Promise<void> {
  // Attempts are counted by the number as well: a user without a username may have failed too.
  const subjects = [`#${uid}`, ...(username ? [username] : [])];
  await Promise.all([
    deps.deviceSessions(uid).forget(),
    erasePresence(deps, uid),
    eraseUploads(deps, uid),
    ...subjects.map(subject => forgetUsername(deps, subject)),
  ]);
}

/** The names that stay taken: the `userId` always, the username until its next owner is no longer mistaken for this one. */
async function namesOf(
  deps: Hashing & Pick<Deps, 'now'>,
  { userId, username }: Erased,
): Promise<RetiredName[]> {
  const owner = await newestHash(deps, ['userId', userId]);
  const retired: RetiredName[] = [{ hash: owner, kind: 'name', owner, until: null }];
  if (username === null) return retired;
  const hash = await newestHash(deps, ['username', foldUsername(username)]);
  return [...retired, { hash, kind: 'name', owner, until: deps.now() + deps.config.usernameRestMs }];
}

/** The names that a ban still refuses after its user is gone: the username, and locators that were proven or set. */
async function refusedBy(
  deps: Hashing,
  { userId, username }: Erased,
  locators: readonly LocatorKey[],
  { until }: Ban,
): Promise<RetiredName[]> {
  const owner = await newestHash(deps, ['userId', userId]);
  const names: Name[] = [
    ...(username === null ? [] : [['username', foldUsername(username)] as const]),
    ...locators.map(({ type, value }) => [type, value] as const),
  ];
  const hashes = await Promise.all(names.map(name => newestHash(deps, name)));
  return hashes.map(hash => ({ hash, kind: 'ban', owner, until }));
}

async function walletsOf(deps: Hashing, locators: readonly LocatorKey[]): Promise<KnownWallet[]> {
  const wallets = locators.filter(({ type }) => type === 'wallet');
  return Promise.all(
    wallets.map(async key => {
      const { owner } = await hashWallet(deps, { address: key.value, chainId: key.chainId });
      return { key, owner };
    }),
  );
}
