import type { Caller } from '../access/caller.ts';
import { makeResolver, resolveOwn } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { unwrap } from '../errors.ts';
import { requireNamed } from '../users/lookup-service.ts';
import { requireUser } from '../users/service.ts';
import type { Presence, UserPresenceView } from './contract.ts';
import { presenceAt } from './rules.ts';

/** Sets the presence of the user that `id` names: on their own word, or on that of a secret key for a user there is. */
export async function setPresenceOf(
  deps: Deps,
  caller: Caller,
  id: string,
  presence: Presence,
): Promise<void> {
  const { self, userId } = await resolveOwn(deps, caller, id);
  // A name that was looked up a while ago will not do: nothing may be left of a user who was erased since.
  const { uid } = self ?? (await requireUser(deps, userId)).record;
  await setPresence(deps, uid, presence);
}

/** The presences of whom these ids name, in their order; refuses `user_not_found` where there is not every one. */
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
 * Sets a user's presence, in place of the one before. To be called for a user who was just found, by their token or in
 * D1: the object knows only of an erasure that has reached it (`user_not_found`).
 */
export async function setPresence(
  deps: Pick<Deps, 'presence'>,
  uid: number,
  presence: Presence,
): Promise<void> {
  unwrap(await deps.presence(uid).set(presence));
}

/** The presences of these users at one instant, in their order: one round of calls, all at once. */
export async function readPresences(
  deps: Pick<Deps, 'presence' | 'now'>,
  users: readonly { uid: number; userId: string }[],
): Promise<UserPresenceView[]> {
  const found = await Promise.all(
    users.map(async ({ uid, userId }) => ({ userId, set: await deps.presence(uid).read() })),
  );
  const now = deps.now();
  return found.map(({ userId, set }) => ({
    userId,
    presence: set && presenceAt(set, now),
    setAt: set?.setAt ?? null,
  }));
}

/** Leaves nothing of a user's presence. To be called once the user is marked as erased; may be called again. */
export async function erasePresence(deps: Pick<Deps, 'presence'>, uid: number): Promise<void> {
  await deps.presence(uid).erase();
}
