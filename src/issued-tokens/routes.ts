import { type Context, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { callerUnless, systemOnly, userOrSystem } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { jsonBody, params, query } from '../http/validate.ts';
import { logoutSchema, tokenExtensionSchema, tokenIdsParameter, tokenRequestSchema } from './contract.ts';
import { presentIssued, presentToken, signedOutPage } from './present.ts';
import { extendToken, issueToken, listTokens, logOut, logOutByLink, revokeTokens } from './service.ts';

/** Tokens that an application's server issues for its users, mounted under `/v1/users`. */
export const tokenRoutes = new Hono<AppEnv>()
  .get('/me/logout', limitRate('SIGN_IN_LIMIT'), query(logoutSchema), callerUnless('token'), async c => {
    // A HEAD request of the link ends nothing (RFC 9110 §9.2.1).
    if (c.req.method === 'HEAD') return c.body(null, 200);
    const { token } = c.req.valid('query');
    const caller = c.get('caller');
    if (token !== undefined) await logOutByLink(c.get('deps'), token);
    else if (caller) await logOut(c.get('deps'), caller);
    return wantsPage(c) ? c.html(signedOutPage) : c.body(null, 200);
  })
  .post('/:userId/tokens', systemOnly, jsonBody(tokenRequestSchema), async c => {
    const deps = c.get('deps');
    const issued = await issueToken(deps, c.req.param('userId'), c.req.valid('json').ttl);
    return c.json(presentIssued(issued, deps.config.publicUrl));
  })
  .get('/:userId/tokens', userOrSystem, async c => {
    const deps = c.get('deps');
    const sessions = await listTokens(deps, c.get('caller'), c.req.param('userId'));
    return c.json(sessions.map(session => presentToken(session, deps.now())));
  })
  .put('/:userId/tokens/:tokenId', userOrSystem, jsonBody(tokenExtensionSchema), async c => {
    const deps = c.get('deps');
    const { userId, tokenId } = c.req.param();
    const issued = await extendToken(deps, c.get('caller'), userId, tokenId, c.req.valid('json').ttl);
    return c.json(presentIssued(issued, deps.config.publicUrl));
  })
  .delete('/:userId/tokens/:tokenIds', userOrSystem, params(tokenIdsParameter), async c => {
    const { tokenIds } = c.req.valid('param');
    await revokeTokens(c.get('deps'), c.get('caller'), c.req.param('userId'), tokenIds);
    return c.body(null, 200);
  });

function wantsPage(c: Context): boolean {
  const supports = ['application/json', 'text/html'];
  return accepts(c, { header: 'Accept', supports, default: 'application/json' }) === 'text/html';
}
