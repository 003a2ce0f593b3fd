import { Hono } from 'hono';
import { optionalUserToken } from '../access/account-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { linkNext, readCursor } from '../http/pagination.ts';
import { params, query } from '../http/validate.ts';
import { searchCursorSchema, searchSchema, userParameter } from './contract.ts';
import { presentPublic } from './present.ts';
import { findUsers, readPublicUser } from './service.ts';

/** Search, mounted under `/users` and `/users/`: the surface's clients ask for both. */
export const searchRoutes = new Hono<AppEnv>().get(
  '/',
  limitRate('SEARCH_LIMIT'),
  optionalUserToken,
  query(searchSchema),
  async c => {
    const asking = c.get('asking');
    const { s, limit, cursor } = c.req.valid('query');
    const after = readCursor(searchCursorSchema, cursor);
    const { users, next } = await findUsers(c.get('deps'), { text: s, limit, after }, asking);
    if (next) linkNext(c, next);
    return c.json(users.map(user => presentPublic(user, asking !== null)));
  },
);

/** One user as others see them, mounted under `/users`. */
export const publicUserRoutes = new Hono<AppEnv>().get(
  '/:id{[0-9]+}',
  limitRate('READ_LIMIT'),
  optionalUserToken,
  params(userParameter),
  async c => {
    const asking = c.get('asking');
    const user = await readPublicUser(c.get('deps'), c.req.valid('param').id, asking);
    return c.json(presentPublic(user, asking !== null));
  },
);
