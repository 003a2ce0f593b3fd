import type { Claims } from '../crypto/tokens.ts';
import type { Deps } from '../deps.ts';
import { verifySession } from '../device-sessions/service.ts';
import { AppError } from '../errors.ts';
import { findPublicUser, type PublicUser, type SearchPlace, searchPage } from '../users/search-service.ts';
import { searchKind } from './rules.ts';

/** Who asks: a user by their token, or nobody, who is shown only whoever has a username. */
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

/** What a user shows of themself; refuses `user_not_found`. */
export async function readPublicUser(deps: Deps, uid: number, asking: Asking): Promise<PublicUser> {
  const [user] = await Promise.all([findPublicUser(deps, uid), asking && verifySession(deps, asking)]);
  if (!user || (asking === null && user.username === null)) throw new AppError('user_not_found');
  return user;
}
