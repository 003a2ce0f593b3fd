import { Hono } from 'hono';
import { systemOnly } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody } from '../http/validate.ts';
import { banSchema } from './contract.ts';
import { presentBan } from './present.ts';
import { banUser, liftBan, readBan } from './service.ts';

/** Bans, by secret key, mounted under `/v1/users`. */
export const banRoutes = new Hono<AppEnv>()
  .put('/:userId/ban', systemOnly, jsonBody(banSchema), async c => {
    const { reason, until } = c.req.valid('json');
    const ban = { reason: reason ?? null, until: until ?? null };
    await banUser(c.get('deps'), c.get('caller'), c.req.param('userId'), ban);
    return c.body(null, 200);
  })
  .get('/:userId/ban', systemOnly, async c =>
    c.json(presentBan(await readBan(c.get('deps'), c.req.param('userId')))),
  )
  .delete('/:userId/ban', systemOnly, async c => {
    await liftBan(c.get('deps'), c.req.param('userId'));
    return c.body(null, 200);
  });
