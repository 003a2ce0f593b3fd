import { Hono } from 'hono';
import { systemOnly } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody } from '../http/validate.ts';
import { createKeySchema } from './contract.ts';
import { presentKey, presentNewKey } from './present.ts';
import { createKey, readKeys, revokeKey } from './service.ts';

/** Administration of keys, mounted under `/v1/keys`. */
export const keyRoutes = new Hono<AppEnv>()
  .post('/', systemOnly, jsonBody(createKeySchema), async c =>
    c.json(presentNewKey(await createKey(c.get('deps'), c.req.valid('json')))),
  )
  .get('/', systemOnly, async c => {
    const keys = await readKeys(c.get('deps'));
    return c.json(keys.map(presentKey));
  })
  .delete('/:id', systemOnly, async c => {
    await revokeKey(c.get('deps'), c.req.param('id'));
    return c.body(null, 200);
  });
