import type { Caller } from '../access/caller.ts';
import { makeResolver, resolveOwn } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { unwrap } from '../errors.ts';
import type { WrittenBy } from '../users/contract.ts';
import { requireNamed } from '../users/lookup-service.ts';
import { writtenByOwner } from '../users/rules.ts';
import { requireUser } from '../users/service.ts';
import type { Presence, UserPresenceView } from './contract.ts';
import { presenceAt } from './rules.ts';

/** Sets the presence of the user that `id` names, for that user or a secret key. */
export async function setPresenceOf(
  deps: Deps,
  caller: Caller,
  id: string,
  presence: Presence,
): Promise<void> {
  const { self, userId } = await resolveOwn(deps, caller, id);
  // A name from the cache is not enough: nothing may be written for a user who was erased since.
  const { uid } = self ?? (await requireUser(deps, userId)).record;
  await setPresence(deps, uid, presence, self ? writtenByOwner(self) : 'system');
}

/** The presences of the users that these ids name, in their order. Refuses `user_not_found` where one does not exist. */
export async function readPresencesOf(
  deps: Deps,
  caller: Caller,
  ids: readonly string[],
): Promise<UserPresenceView[]> {
  const targets = ids.map(await makeResolver(deps, caller));
  const others = targets.filter(({ self }) => self === null).map(({ userId }) => userId);
  const named = new Map((await requireNamed(deps, others)).map(user => [user.userId, user]));
  const users = targets.map(({ self, userId }) => self ?? named.get(userId));
  return readPresences(
    deps,
    users.filter(user => user !== undefined),
  );
}

/**
 * Replaces a user's presence. To be called for a user who was just found, by their token or in D1, because the object
 * knows only of an erasure that has reached it (`user_not_found`).
 */
export async function setPresence(
  deps: Pick<Deps, 'presence'>,
  uid: number,
  presence: Presence,
  writtenBy: WrittenBy = 'system',
): Promise<void> {
  unwrap(await deps.presence(uid).set(presence, writtenBy));
}

/** The presences of these users at one instant, in their order. All objects are called at once. */
export async function readPresences(
  deps: Pick<Deps, 'presence' | 'now'>,
  users: readonly { uid: number; userId: string }[],
): Promise<UserPresenceView[]> {
  const uids = new Set(users.map(({ uid }) => uid));
  const sets = new Map(
    await Promise.all([...uids].map(async uid => [uid, await deps.presence(uid).read()] as const)),
  );
  const now = deps.now();
  return users.map(({ uid, userId }) => {
    const set = sets.get(uid) ?? null;
    return { userId, presence: set && presenceAt(set, now), setAt: set?.setAt ?? null };
  });
}

/** Deletes a user's presence. To be called when the user is marked as erased. May be called again. */
export async function erasePresence(deps: Pick<Deps, 'presence'>, uid: number): Promise<void> {
  await deps.presence(uid).erase();
}
