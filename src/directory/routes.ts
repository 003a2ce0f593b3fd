import { Hono } from 'hono';
import { systemOnly } from '../http/authenticate.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody, params } from '../http/validate.ts';
import { banSchema, roleParameter, roleSchema, userPatchSchema, userRolesSchema } from './contract.ts';
import { presentRole, presentUser } from './present.ts';
import { banUser, defineRole, liftBan, patchUser, readRoles, removeRole, setUserRoles } from './service.ts';

/** Roles and what they permit, mounted under `/v1/roles`. */
export const roleRoutes = new Hono<AppEnv>()
  .get('/', systemOnly, async c => {
    const roles = await readRoles(c.get('deps'));
    return c.json(roles.map(presentRole));
  })
  .put('/:roleId', systemOnly, params(roleParameter), jsonBody(roleSchema), async c => {
    const { roleId } = c.req.valid('param');
    const { displayName, permissions } = c.req.valid('json');
    const role = { roleId, displayName: displayName ?? null, permissions: [...new Set(permissions ?? [])] };
    return c.json(presentRole(await defineRole(c.get('deps'), role)));
  })
  .delete('/:roleId', systemOnly, params(roleParameter), async c => {
    await removeRole(c.get('deps'), c.req.valid('param').roleId);
    return c.body(null, 200);
  });

/** What an application's server does to a user, mounted under `/v1/users`. */
export const userAdministrationRoutes = new Hono<AppEnv>()
  .patch('/:userId', systemOnly, jsonBody(userPatchSchema), async c => {
    const deps = c.get('deps');
    const record = await patchUser(deps, c.req.param('userId'), c.req.valid('json'));
    return c.json(presentUser(record, deps.now()));
  })
  .put('/:userId/roles', systemOnly, jsonBody(userRolesSchema), async c => {
    const record = await setUserRoles(c.get('deps'), c.req.param('userId'), c.req.valid('json').roles);
    return c.json(record.roles.map(presentRole));
  })
  .put('/:userId/ban', systemOnly, jsonBody(banSchema), async c => {
    const { reason, until } = c.req.valid('json');
    await banUser(c.get('deps'), c.req.param('userId'), { reason: reason ?? null, until: until ?? null });
    return c.body(null, 200);
  })
  .delete('/:userId/ban', systemOnly, async c => {
    await liftBan(c.get('deps'), c.req.param('userId'));
    return c.body(null, 200);
  });
