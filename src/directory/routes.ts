import { Hono } from 'hono';
import { systemOnly, userOrSystem } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { linkNext, readCursor } from '../http/pagination.ts';
import { jsonBody, params, query } from '../http/validate.ts';
import { userIdsParameter } from '../users/contract.ts';
import {
  newUserSchema,
  screenNameSchema,
  userPatchSchema,
  userQuerySchema,
  usersCursorSchema,
  usersQuerySchema,
} from './contract.ts';
import {
  presentDirectoryUser,
  presentNamedUser,
  presentRecord,
  presentScreenNames,
  presentUsers,
} from './present.ts';
import {
  createUser,
  deleteUser,
  listUsers,
  patchUser,
  readNames,
  readUser,
  readUserBy,
  rename,
} from './service.ts';

/** Users as an application's server manages them, mounted under `/v1/users`. */
export const directoryUserRoutes = new Hono<AppEnv>()
  .post('/', systemOnly, jsonBody(newUserSchema), async c =>
    c.json({ identifier: await createUser(c.get('deps'), c.req.valid('json')) }),
  )
  .get('/', systemOnly, query(usersQuerySchema), async c => {
    const { withProfileAttributes: wanted = null, locators, limit, cursor } = c.req.valid('query');
    const afterId = readCursor(usersCursorSchema, cursor)?.afterId ?? 0;
    const { users, next } = await listUsers(c.get('deps'), { locators, afterId, limit, wanted });
    if (next !== null) linkNext(c, { afterId: next });
    return c.json(presentUsers(users, c.get('deps').now()));
  })
  .get('/:userId', userOrSystem, query(userQuerySchema), async c => {
    const deps = c.get('deps');
    const wanted = c.req.valid('query').withProfileAttributes ?? null;
    const shown = await readUser(deps, c.get('caller'), c.req.param('userId'), wanted);
    return c.json(presentDirectoryUser(shown, deps.now()));
  })
  .get('/by/username/:username', systemOnly, query(userQuerySchema), async c => {
    const { withProfileAttributes: wanted = null } = c.req.valid('query');
    const shown = await readUserBy(c.get('deps'), { username: c.req.param('username') }, wanted);
    return c.json(presentNamedUser(shown, c.get('deps').now()));
  })
  .get('/by/id/:id{[0-9]+}', systemOnly, query(userQuerySchema), async c => {
    const { withProfileAttributes: wanted = null } = c.req.valid('query');
    const shown = await readUserBy(c.get('deps'), { uid: Number(c.req.param('id')) }, wanted);
    return c.json(presentNamedUser(shown, c.get('deps').now()));
  })
  .patch('/:userId', systemOnly, jsonBody(userPatchSchema), async c => {
    const deps = c.get('deps');
    const record = await patchUser(deps, c.req.param('userId'), c.req.valid('json'));
    return c.json(presentRecord(record, deps.now()));
  })
  .delete('/:userId', systemOnly, async c => {
    await deleteUser(c.get('deps'), c.req.param('userId'));
    return c.body(null, 200);
  })
  .put('/:userId/screenname', userOrSystem, jsonBody(screenNameSchema), async c => {
    const { screenName } = c.req.valid('json');
    await rename(c.get('deps'), c.get('caller'), c.req.param('userId'), screenName);
    return c.body(null, 200);
  })
  .get('/:userIds/screenname', userOrSystem, params(userIdsParameter), async c => {
    const names = await readNames(c.get('deps'), c.get('caller'), c.req.valid('param').userIds);
    return c.json(presentScreenNames(names));
  });
