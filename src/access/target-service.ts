import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { nfc } from '../text.ts';
import type { UserRecord } from '../users/contract.ts';
import { requireUser } from '../users/service.ts';
import type { Caller } from './caller.ts';
import { readSession } from './session-service.ts';

/** The user that a path names. */
export interface Target {
  userId: string;
  /** The caller's own record, where they named their own id. It needs no look-up. */
  self: UserRecord | null;
  /** Whether a secret key asks. */
  bySystem: boolean;
}

export const SYSTEM = '.system';

/**
 * The user that `id` names; `me` is the caller. Every caller who is signed in may read about every user. `resolveOwn` says
 * who may change one. Refuses a device session that has ended, and `missing_context` where a key says `me`.
 */
export async function resolveTarget(deps: Deps, caller: Caller, id: string): Promise<Target> {
  return (await makeResolver(deps, caller))(id);
}

/** As `resolveTarget`, for any number of ids. The caller's device session is asked once. */
export async function makeResolver(deps: Deps, caller: Caller): Promise<(id: string) => Target> {
  const record = caller.kind === 'user' ? (await readSession(deps, caller.claims)).record : null;
  return id => {
    const userId = nfc(id);
    if (!record) {
      if (userId === 'me') throw new AppError('missing_context');
      return { userId, self: null, bySystem: true };
    }
    const isSelf = userId === 'me' || userId === record.userId;
    return { userId: isSelf ? record.userId : userId, self: isSelf ? record : null, bySystem: false };
  };
}

/** The user that a call by a secret key names. Refuses `missing_privilege` for the built-in users, and `me`. */
export function managedId(id: string): string {
  const userId = nfc(id);
  refuseBuiltIn(userId);
  if (userId === 'me') throw new AppError('missing_context');
  return userId;
}

/**
 * As `resolveTarget`, for calls on the user's own data: only that user and a secret key may make them. Others get
 * `missing_privilege`, and so does every caller who names a built-in user.
 */
export async function resolveOwn(deps: Deps, caller: Caller, id: string): Promise<Target> {
  const target = await resolveTarget(deps, caller, id);
  refuseBuiltIn(target.userId);
  if (!target.bySystem && !target.self) throw new AppError('missing_privilege');
  return target;
}

function refuseBuiltIn(userId: string): void {
  if (!userId.startsWith('.')) return;
  throw new AppError('missing_privilege', { detail: 'A built-in user is not written to' });
}

/** The user that an administration call names. Refuses built-in users, and `me`, because a key has no user. */
export async function targetUser(deps: Deps, userId: string): Promise<UserRecord> {
  return (await requireUser(deps, managedId(userId))).record;
}
