import type { Deps } from '../deps.ts';
import { unwrap } from '../errors.ts';
import type { Presence, UserPresenceView } from './contract.ts';
import { presenceAt } from './rules.ts';

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
