import type { Caller } from '../access/caller.ts';
import { managedId, targetUser } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere, unwrap } from '../errors.ts';
import { logFault } from '../log.ts';
import { findRetiredBan, liftRetiredBan } from '../retired-names/service.ts';
import type { StoredBan } from '../users/contract.ts';
import { requireUid } from '../users/lookup-service.ts';
import { isBanned } from '../users/rules.ts';
import { updateUser } from '../users/service.ts';

/**
 * Ends everything of a user and refuses them until lifted or `until`. The object first, D1's flag after it: `try_again`
 * where the object did not answer, and then nothing is known to have ended.
 */
export async function banUser(
  deps: Deps,
  caller: Caller,
  userId: string,
  { reason, until }: { reason: string | null; until: number | null },
): Promise<void> {
  if (until !== null && until <= deps.now()) throw new AppError('invalid_input', inFuture);
  const { uid } = await targetUser(deps, userId);
  const banned = await deps
    .deviceSessions(uid)
    .ban(
      { reason, until },
      caller.kind === 'system' ? { kind: 'key', keyId: caller.keyId } : { kind: 'system' },
    )
    .catch(notReached('ban'));
  const ended = unwrap(banned);
  deps.audit('banned', { uid, until });
  await showBan(deps, uid);
  requireEverywhere(ended);
}

/** Lifts a ban, also one that outlived its user, by the name they had. */
export async function liftBan(deps: Deps, userId: string): Promise<void> {
  if (await liftRetiredBan(deps, userId)) return deps.audit('ban_lifted', { uid: null, target: userId });
  const { uid } = await targetUser(deps, userId);
  await deps.deviceSessions(uid).liftBan().catch(notReached('lifting of a ban'));
  deps.audit('ban_lifted', { uid });
  await showBan(deps, uid);
}

/** The ban in force; also one that outlived its user, of which only the end is known. Refuses `ban_not_found`. */
export async function readBan(deps: Deps, userId: string): Promise<StoredBan> {
  const outlived = await findRetiredBan(deps, userId);
  if (outlived) return { reason: null, until: outlived.until, since: null, keyId: null };
  const { uid } = await requireUid(deps, managedId(userId));
  const ban = await deps.deviceSessions(uid).currentBan();
  if (!ban || !isBanned(ban, deps.now())) throw new AppError('ban_not_found');
  return ban;
}

/** How often the flag is written again when a ban and its lifting race. */
const FLAG_TRIES = 3;

/**
 * Brings D1's flag to what the object says, also where another call changed that meanwhile. `copy_pending` where D1 or the
 * object fails: the ban stands as the object has it.
 */
async function showBan(deps: Deps, uid: number): Promise<void> {
  const object = deps.deviceSessions(uid);
  try {
    let shown = await object.currentBan();
    for (let tried = 0; tried < FLAG_TRIES; tried += 1) {
      const flag = shown
        ? { bannedAt: deps.now(), bannedUntil: shown.until }
        : { bannedAt: null, bannedUntil: null };
      await updateUser(deps, uid, flag);
      const now = await object.currentBan();
      if ((now === null) === (shown === null) && now?.until === shown?.until) return;
      shown = now;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    logFault('ban not shown', error);
    throw new AppError('copy_pending', { headers: { 'Retry-After': '2' } });
  }
}

/** The object did not answer, so nothing is known to have changed. */
const notReached =
  (what: string) =>
  (error: unknown): never => {
    logFault(`${what} not taken`, error);
    throw new AppError('try_again', { headers: { 'Retry-After': '2' } });
  };

const inFuture = { errors: [{ path: 'until', message: 'must be in the future' }] };
