import { Hono } from 'hono';
import { systemOnly } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody, params } from '../http/validate.ts';
import { roleParameter, roleSchema, userRolesSchema } from './contract.ts';
import { presentRole } from './present.ts';
import { defineRole, readRoles, removeRole, setUserRoles } from './service.ts';

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

/** The roles of a user, by secret key, mounted under `/v1/users`. */
export const userRoleRoutes = new Hono<AppEnv>().put(
  '/:userId/roles',
  systemOnly,
  jsonBody(userRolesSchema),
  async c => {
    const record = await setUserRoles(c.get('deps'), c.req.param('userId'), c.req.valid('json').roles);
    return c.json(record.roles.map(presentRole));
  },
);
