import { Hono } from 'hono';
import { systemOnly } from '../access/authenticate.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { formBody } from '../http/validate.ts';
import { tokenFormSchema } from './contract.ts';
import { presentIntrospection, presentKeySet } from './present.ts';
import { introspect, revoke } from './service.ts';

/** The standard endpoints, mounted at the root. */
export const oauthRoutes = new Hono<AppEnv>()
  .get('/.well-known/jwks.json', c => {
    c.header('Cache-Control', 'public, max-age=300');
    return c.json(presentKeySet(c.get('deps').keyRing.publicKeys()));
  })
  .post('/oauth2/introspect', systemOnly, formBody(tokenFormSchema), async c => {
    const deps = c.get('deps');
    const living = await introspect(deps, c.req.valid('form').token);
    return c.json(presentIntrospection(living, deps.config.publicUrl));
  })
  .post('/oauth2/revoke', limitRate('SIGN_IN_LIMIT'), formBody(tokenFormSchema), async c => {
    await revoke(c.get('deps'), c.req.valid('form').token);
    return c.body(null, 200);
  });
