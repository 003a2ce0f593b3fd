import type { HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Deps } from '../deps.ts';
import type { AppEnv } from '../http/context.ts';
import type { Claims } from '../tokens/claims.ts';
import type { Joiner } from './caller.ts';
import { identifyUser, presentsCredential, readBearer, refuseSecondCredential } from './credentials.ts';

/** The guest behind a token that the SDK's visitors have; null for every other credential. */
export async function readVisitor(deps: Deps, req: HonoRequest): Promise<Claims<'device'> | null> {
  const presented = readBearer(req.header('authorization')) ?? '';
  const claims = await deps.keyRing.verify('device', presented, deps.now());
  if (!claims?.visitor) return null;
  refuseSecondCredential(req);
  deps.noteCaller({ guest: claims.sub });
  return claims;
}

/** Requires a user's access token, or the token of a visitor. The service asks whether what is behind it still stands. */
export const userOrVisitor = createMiddleware<AppEnv & { Variables: { asker: Joiner } }>(async (c, next) => {
  c.set('asker', await identifyAsker(c.get('deps'), c.req));
  await next();
});

/** As `userOrVisitor` where a credential is presented. A request without one has no asker. */
export const askerIfAny = createMiddleware<AppEnv & { Variables: { asker: Joiner | null } }>(
  async (c, next) => {
    c.set('asker', presentsCredential(c.req) ? await identifyAsker(c.get('deps'), c.req) : null);
    await next();
  },
);

async function identifyAsker(deps: Deps, req: HonoRequest): Promise<Joiner> {
  const visitor = await readVisitor(deps, req);
  return visitor ? { kind: 'guest', claims: visitor } : identifyUser(deps, req, {});
}
