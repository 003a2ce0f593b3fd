import { Hono } from 'hono';
import { publishableKey, systemOnly, userOrSystem, userToken } from '../access/authenticate.ts';
import { verifySession } from '../access/session-service.ts';
import { clientAddress } from '../http/client-address.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { jsonBody, query } from '../http/validate.ts';
import { refreshSchema, signInSchema, signOutSchema } from './contract.ts';
import { endDevice, endOtherDevices, endSessions, signOutUser } from './ending-service.ts';
import { presentDevice, presentSignedIn, presentTokens } from './present.ts';
import { readOverview, refreshTokens, signIn } from './service.ts';

/** The surface of SDKs, mounted under `/api/v3`, `/api/v4` and `/api/v5`. */
export const deviceSessionRoutes = new Hono<AppEnv>()
  .post('/sessions', limitRate('SIGN_IN_LIMIT'), publishableKey, jsonBody(signInSchema), async c => {
    const deps = c.get('deps');
    const signedIn = await signIn(deps, c.req.valid('json'), clientAddress(c.req.raw));
    return c.json(presentSignedIn(signedIn, deps.config.publicUrl));
  })
  .post('/sessions/refresh', limitRate('SIGN_IN_LIMIT'), jsonBody(refreshSchema), async c => {
    const tokens = await refreshTokens(c.get('deps'), c.req.valid('json').refreshToken);
    return c.json(presentTokens(tokens));
  })
  .get('/sessions', userToken, async c => {
    await verifySession(c.get('deps'), c.get('claims'));
    return c.json({ lastCachePurge: null });
  })
  .delete('/sessions', userOrSystem, query(signOutSchema), async c => {
    await endSessions(c.get('deps'), c.get('caller'), c.req.valid('query').userId);
    return c.json({ success: true });
  })
  .delete('/sessions/users/:userId', systemOnly, async c => {
    await signOutUser(c.get('deps'), c.get('caller'), c.req.param('userId'));
    return c.json({ success: true });
  });

/** A user's own device sessions, whichever surface opened them; mounted under `/users/me`. */
export const ownDeviceRoutes = new Hono<AppEnv>()
  .get('/devices', userToken, async c => {
    const claims = c.get('claims');
    const deps = c.get('deps');
    const { sessions } = await readOverview(deps, claims);
    return c.json(sessions.map(session => presentDevice(session, claims.sid, deps.now())));
  })
  .delete('/devices', userToken, async c => {
    await endOtherDevices(c.get('deps'), c.get('claims'));
    return c.body(null, 200);
  })
  .delete('/devices/:id', userToken, async c => {
    await endDevice(c.get('deps'), c.get('claims'), c.req.param('id'));
    return c.body(null, 200);
  });
