import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { nfc } from '../text.ts';
import type { UserRecord } from '../users/contract.ts';
import { requireUser } from '../users/service.ts';
import type { Caller } from './caller.ts';
import { readSession } from './session-service.ts';

/** Whom a path names, as the caller means it. */
export interface Target {
  userId: string;
  /** The caller's own record, where they named their own id: nothing has to be looked up. */
  self: UserRecord | null;
  /** Whether a secret key asks. */
  bySystem: boolean;
}

export const SYSTEM = '.system';

/**
 * Whom `id` names: `me` is the caller. Anybody may be asked about by who is signed in; what a call may do to them
 * is for `resolveOwn` to say. Refuses a dead device session, and `missing_context` where a key says `me`.
 */
export async function resolveTarget(deps: Deps, caller: Caller, id: string): Promise<Target> {
  return (await makeResolver(deps, caller))(id);
}

/** As `resolveTarget`, for any number of ids: the caller's device session is asked once. */
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

/** Whom a call that only a secret key may make names; refuses `missing_privilege` for the built-in users, and `me`. */
export function managedId(id: string): string {
  const userId = nfc(id);
  refuseBuiltIn(userId);
  if (userId === 'me') throw new AppError('missing_context');
  return userId;
}

/**
 * As `resolveTarget`, for what is the user's own: only they and a secret key may call. Others hear `missing_privilege`, and
 * so does every caller who names a built-in user.
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

/** The user an administration call names; refuses built-in users, and `me`, because a key has no user. */
export async function targetUser(deps: Deps, userId: string): Promise<UserRecord> {
  return (await requireUser(deps, managedId(userId))).record;
}
