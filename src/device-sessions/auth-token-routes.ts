import { Hono } from 'hono';
import { systemOnly } from '../access/authenticate.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody, query } from '../http/validate.ts';
import { issueAuthToken } from './auth-token-service.ts';
import { authTokenSchema } from './contract.ts';

/** Part of the surface of SDKs, mounted beside its sessions: both forms the vendor's server documents show. */
export const authTokenRoutes = new Hono<AppEnv>()
  .post('/authentication/token', systemOnly, jsonBody(authTokenSchema), async c =>
    c.text(await issueAuthToken(c.get('deps'), c.req.valid('json').userId)),
  )
  .get('/authentication/token', systemOnly, query(authTokenSchema), async c =>
    c.json(await issueAuthToken(c.get('deps'), c.req.valid('query').userId)),
  );
