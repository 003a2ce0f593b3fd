import type { Joiner } from '../access/caller.ts';
import { verifySession } from '../access/session-service.ts';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { endIdentifierSession, readIdentifierSession } from '../identifier-sessions/service.ts';
import { nfc } from '../text.ts';
import type { Claims } from '../tokens/claims.ts';
import type { UserRecord } from '../users/contract.ts';
import { writtenByOwner } from '../users/rules.ts';
import { updateUser } from '../users/service.ts';
import type { OwnUserChange } from './contract.ts';
import { findPublicUsers, type PublicUser } from './store.ts';

export { startVisit } from '../identifier-sessions/service.ts';

/** Someone whom the SDK is shown: the caller by their own record, or another user, or the visitor that asks. */
export type Found =
  | { kind: 'self'; record: UserRecord }
  | { kind: 'other'; user: PublicUser }
  | { kind: 'visitor'; userId: string; since: number };

/** Refuses a credential whose device session, or whose visit, has ended. */
export async function requireStanding(deps: Deps, asker: Joiner): Promise<UserRecord | null> {
  if (asker.kind === 'user') return verifySession(deps, asker.claims);
  await readIdentifierSession(deps, asker.claims);
  return null;
}

/**
 * The users of these names, in their order. Unknown names are left out. A visitor is shown its own entry alone; others are
 * refused by `missing_privilege`.
 */
export async function readUsers(deps: Deps, asker: Joiner, names: readonly string[]): Promise<Found[]> {
  const self = await requireStanding(deps, asker);
  if (asker.kind === 'guest') return readVisitor(asker.claims, names);
  const others = names.filter(name => name !== self?.userId);
  const found = others.length > 0 ? await findPublicUsers(deps.db, others) : [];
  const byName = new Map(found.map(user => [user.row.userId, user]));
  return [...new Set(names)].flatMap((name): Found[] => {
    if (self && name === self.userId) return [{ kind: 'self', record: self }];
    const user = byName.get(name);
    return user ? [{ kind: 'other', user }] : [];
  });
}

function readVisitor({ sub, iat }: Claims<'device'>, names: readonly string[]): Found[] {
  if (!names.every(name => name === sub)) throw new AppError('missing_privilege');
  return [{ kind: 'visitor', userId: sub, since: iat * 1000 }];
}

/** The user of this name; refuses `user_not_found`. */
export async function readUser(deps: Deps, asker: Joiner, userId: string): Promise<Found> {
  const [user] = await readUsers(deps, asker, [nfc(userId)]);
  if (!user) throw new AppError('user_not_found');
  return user;
}

/** Changes what the caller's own record shows; refuses `not_allowed` for every other `userId`. */
export async function changeOwnUser(
  deps: Deps,
  claims: Claims<'access'>,
  { userId, ...change }: OwnUserChange,
): Promise<UserRecord> {
  const record = await verifySession(deps, claims);
  if (userId != null && userId !== record.userId) throw new AppError('not_allowed');
  const given = Object.entries(change).filter(([, value]) => value != null);
  if (given.length === 0) return record;
  const cleared = given.map(([name, value]) => [name, value === '' ? null : value]);
  return updateUser(deps, record.uid, Object.fromEntries(cleared), writtenByOwner(record));
}

/** Ends a visit; refuses `session_ended` where it was ended before. */
export async function endVisit(deps: Deps, visitor: Claims<'device'>): Promise<void> {
  await endIdentifierSession(deps, visitor);
}
