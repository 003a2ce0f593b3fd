import { Hono } from 'hono';
import { systemOnly } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody } from '../http/validate.ts';
import { newCodeSchema } from './contract.ts';
import { presentCode, presentNewCode } from './present.ts';
import { createCode, readCodes, revokeCode } from './service.ts';

/** Registration codes, by secret key, mounted under `/v1/registration-codes`. */
export const registrationCodeRoutes = new Hono<AppEnv>()
  .post('/', systemOnly, jsonBody(newCodeSchema), async c =>
    c.json(presentNewCode(await createCode(c.get('deps'), c.req.valid('json')))),
  )
  .get('/', systemOnly, async c => {
    const codes = await readCodes(c.get('deps'));
    return c.json(codes.map(presentCode));
  })
  .delete('/:id', systemOnly, async c => {
    await revokeCode(c.get('deps'), c.req.param('id'));
    return c.body(null, 200);
  });
