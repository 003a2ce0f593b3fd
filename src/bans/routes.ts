import { Hono } from 'hono';
import { systemOnly } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody } from '../http/validate.ts';
import { banSchema } from './contract.ts';
import { banUser, liftBan } from './service.ts';

/** Bans, by secret key, mounted under `/v1/users`. */
export const banRoutes = new Hono<AppEnv>()
  .put('/:userId/ban', systemOnly, jsonBody(banSchema), async c => {
    const { reason, until } = c.req.valid('json');
    await banUser(c.get('deps'), c.req.param('userId'), { reason: reason ?? null, until: until ?? null });
    return c.body(null, 200);
  })
  .delete('/:userId/ban', systemOnly, async c => {
    await liftBan(c.get('deps'), c.req.param('userId'));
    return c.body(null, 200);
  });
