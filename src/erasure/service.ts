import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere } from '../errors.ts';
import { logFault } from '../log.ts';
import { erasePresence } from '../presence/service.ts';
import { hashName, type Name } from '../retired-names/service.ts';
import { deleteLapsedBans, type RetiredName, retireNames } from '../retired-names/store.ts';
import { foldUsername } from '../text.ts';
import { forgetUsername } from '../throttle/service.ts';
import { eraseUploads } from '../uploads/service.ts';
import type { Ban } from '../users/contract.ts';
import { forgetName } from '../users/lookup-service.ts';
import { findReservedOf, findUserByUid, type UserRow } from '../users/store.ts';
import { deleteErased, findErased, markErased } from './store.ts';

/** Whoever is being erased, by the names that what is kept about them goes by. */
export type Erased = Pick<UserRow, 'id' | 'userId' | 'username'>;

/** How many users the cron trigger goes on erasing at once. */
const ERASED_AT_ONCE = 20;
const PAGES_AT_ONCE = 10;

/**
 * Erases a user: marked first, so that nothing finds or admits them any more, then their device sessions, then what
 * others keep about them, the rows last. What a crash leaves undone the cron trigger does. 503 where a live session
 * has not heard yet: the erasure stands, and goes on.
 */
export async function eraseUser(deps: Erasing, uid: number): Promise<void> {
  const found = await findUserByUid(deps.db, uid);
  if (!found) throw new AppError('user_not_found');
  const marked = await markErased(deps.db, uid, await nameOf(deps, found.row), deps.now());
  if (!marked) throw new AppError('user_not_found');
  forgetName(found.row.userId);
  deps.audit('erased', { uid });
  await finishErasure(deps, found.row);
}

/** Goes on with every erasure that is not done, the stuck ones behind each other; how many were finished. */
export async function sweepErased(deps: Erasing): Promise<number> {
  await deleteLapsedBans(deps.db, deps.now());
  let finished = 0;
  let after = 0;
  for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
    const erased = await findErased(deps.db, after, ERASED_AT_ONCE);
    const outcomes = await Promise.allSettled(erased.map(user => finishErasure(deps, user)));
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') finished += 1;
      else if (!(outcome.reason instanceof AppError)) logFault('erasure not finished', outcome.reason);
    }
    after = erased.at(-1)?.id ?? 0;
    if (erased.length < ERASED_AT_ONCE) break;
  }
  return finished;
}

export type Erasing = Pick<
  Deps,
  'config' | 'db' | 'now' | 'audit' | 'deviceSessions' | 'presence' | 'throttle' | 'files'
>;

async function finishErasure(deps: Erasing, user: Erased): Promise<void> {
  const { ban, ...ended } = await deps.deviceSessions(user.id).erase();
  requireEverywhere(ended);
  // Written down before the object that knows of it forgets.
  if (ban && !isOver(ban, deps.now())) await retireNames(deps.db, await refusedBy(deps, user, ban));
  await clear(deps, user);
  await deleteErased(deps.db, user.id);
}

/** Clears what is kept about a user outside of D1's own rows. Every step may run any number of times. */
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

const isOver = ({ until }: Ban, now: number): boolean => until !== null && until <= now;

type Hashing = Pick<Deps, 'config'>;

const newestHash = async (deps: Hashing, name: Name): Promise<string> =>
  (await hashName(deps, name))[0] ?? '';

/** The name that is taken for ever. */
async function nameOf(deps: Hashing, { userId }: Pick<Erased, 'userId'>): Promise<RetiredName> {
  const hash = await newestHash(deps, ['userId', userId]);
  return { hash, kind: 'name', owner: hash, until: null };
}

/** What a ban goes on refusing after its user: the username, and what was proven or set to be theirs. */
async function refusedBy(
  deps: Hashing & Pick<Deps, 'db'>,
  { id, userId, username }: Erased,
  { until }: Ban,
): Promise<RetiredName[]> {
  const owner = await newestHash(deps, ['userId', userId]);
  const locators = await findReservedOf(deps.db, id);
  const names: Name[] = [
    ...(username === null ? [] : [['username', foldUsername(username)] as const]),
    ...locators.map(({ type, value }) => [type, value] as const),
  ];
  const hashes = await Promise.all(names.map(name => newestHash(deps, name)));
  return hashes.map(hash => ({ hash, kind: 'ban', owner, until }));
}
