import { Hono } from 'hono';
import { deviceToken } from '../access/authenticate.ts';
import { readBearer } from '../access/credentials.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { jsonBody } from '../http/validate.ts';
import { identifierSchema } from './contract.ts';
import { presentIdentifierSession, presentStarted } from './present.ts';
import { endIdentifierSession, readIdentifierSession, startIdentifierSession } from './service.ts';

/** Identifier sessions, mounted under `/api/sessions`. Starting one needs no credential; one that comes along is noted. */
export const identifierSessionRoutes = new Hono<AppEnv>()
  .post('/', limitRate('IDENTIFIER_LIMIT'), jsonBody(identifierSchema), async c => {
    const makersToken = readBearer(c.req.header('authorization'));
    const { identifier } = c.req.valid('json');
    return c.json(presentStarted(await startIdentifierSession(c.get('deps'), identifier, makersToken)));
  })
  .get('/current', deviceToken, async c =>
    c.json(presentIdentifierSession(await readIdentifierSession(c.get('deps'), c.get('device')))),
  )
  .delete('/current', deviceToken, async c => {
    await endIdentifierSession(c.get('deps'), c.get('device'));
    return c.body(null, 200);
  });
