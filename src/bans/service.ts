import { targetUser } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { AppError, requireEverywhere, unwrap } from '../errors.ts';
import { liftRetiredBan } from '../retired-names/service.ts';
import { updateUser } from '../users/service.ts';

/** Ends everything of a user and refuses them until lifted or `until`. The object first, D1's flag after it. */
export async function banUser(
  deps: Deps,
  userId: string,
  { reason, until }: { reason: string | null; until: number | null },
): Promise<void> {
  if (until !== null && until <= deps.now()) throw new AppError('invalid_input', inFuture);
  const { uid } = await targetUser(deps, userId);
  const ended = unwrap(await deps.deviceSessions(uid).ban({ reason, until }));
  deps.audit('banned', { uid, until });
  await showBan(deps, uid);
  requireEverywhere(ended);
}

/** Lifts a ban; also one that outlived its user, by the name they had. */
export async function liftBan(deps: Deps, userId: string): Promise<void> {
  if (await liftRetiredBan(deps, userId)) return deps.audit('ban_lifted', { uid: null, target: userId });
  const { uid } = await targetUser(deps, userId);
  await deps.deviceSessions(uid).liftBan();
  deps.audit('ban_lifted', { uid });
  await showBan(deps, uid);
}

/** How often the flag is written again when a ban and its lifting race. */
const FLAG_TRIES = 3;

/** Brings D1's flag to what the object says, also where another call changed that meanwhile. */
async function showBan(deps: Deps, uid: number): Promise<void> {
  const object = deps.deviceSessions(uid);
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
}

const inFuture = { errors: [{ path: 'until', message: 'must be in the future' }] };
