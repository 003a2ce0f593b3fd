import { verifySession } from '../access/session-service.ts';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import type { Claims } from '../tokens/claims.ts';
import type { UserRecord } from '../users/contract.ts';
import { findUserByUid } from '../users/store.ts';
import { searchKind } from './rules.ts';
import { type FoundUser, findByUsernamePrefix, searchUsers } from './store.ts';

/** What others may be shown of a user; times in epoch ms. */
export type PublicUser = Pick<UserRecord, 'uid' | 'displayName' | 'username' | 'description' | 'photos'> & {
  lastSeenAt: number | null;
};

/** Where to go on: after this id or, of a prefix, after this username. */
export type SearchPlace = { afterId: number } | { afterUsername: string };

export interface Search {
  text: string;
  /** `prefix`: of a username; `substring`: of a name or a username. */
  kind: 'prefix' | 'substring';
  limit: number;
  after: SearchPlace | null;
  /** Only those who have a username. */
  onlyNamed: boolean;
}

/** One page of the users with this text in their names, and where the next begins. */
async function searchPage(
  { db }: Pick<Deps, 'db'>,
  { text, kind, limit, after, onlyNamed }: Search,
): Promise<{ users: PublicUser[]; next: SearchPlace | null }> {
  if (kind === 'prefix') {
    const place = after && 'afterUsername' in after ? after : {};
    const { users, next } = await findByUsernamePrefix(db, text, { ...place, limit });
    return { users: users.map(toPublic), next: next === null ? null : { afterUsername: next } };
  }
  const place = after && 'afterId' in after ? after : {};
  const { users, next } = await searchUsers(db, text, { ...place, limit, onlyNamed });
  return { users: users.map(toPublic), next: next === null ? null : { afterId: next } };
}

/** What others may be shown of this user; null where there is none. */
async function findPublicUser({ db }: Pick<Deps, 'db'>, uid: number): Promise<PublicUser | null> {
  const found = await findUserByUid(db, uid);
  return found && toPublic({ ...found.row, photos: found.photos });
}

function toPublic({ id, displayName, username, description, photos, lastSeenAt }: FoundUser): PublicUser {
  return { uid: id, displayName, username, description, photos, lastSeenAt };
}

/** The user who asks; null without a token. Then only users with a username are shown. */
type Asking = Claims<'access'> | null;

/** One page of the users a text finds, and where the next begins. */
export async function findUsers(
  deps: Deps,
  search: { text: string; limit: number; after: SearchPlace | null },
  asking: Asking,
): Promise<{ users: PublicUser[]; next: SearchPlace | null }> {
  const kind = searchKind(search.text) ?? 'substring';
  const [page] = await Promise.all([
    searchPage(deps, { ...search, kind, onlyNamed: asking === null }),
    asking && verifySession(deps, asking),
  ]);
  return page;
}

/** A user as others see them. Refuses `user_not_found`. */
export async function readPublicUser(deps: Deps, uid: number, asking: Asking): Promise<PublicUser> {
  const [user] = await Promise.all([findPublicUser(deps, uid), asking && verifySession(deps, asking)]);
  if (!user || (asking === null && user.username === null)) throw new AppError('user_not_found');
  return user;
}
