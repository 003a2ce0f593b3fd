import { Hono } from 'hono';
import { publishableKey, userToken } from '../access/authenticate.ts';
import { askerIfAny, readVisitor, userOrVisitor } from '../access/visitors.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate, limitWrites } from '../http/limits.ts';
import { jsonBody, queries } from '../http/validate.ts';
import { ownUserSchema, userListSchema, visitorSchema } from './contract.ts';
import { CHAT_SETTINGS, presentOwn, presentUsers, presentVisit } from './present.ts';
import { changeOwnUser, endVisit, readUser, readUsers, requireStanding, startVisit } from './service.ts';

/** `PUT …/users` and, as the SDK writes it, `PUT …/users/`. */
const ownUserRoutes = new Hono<AppEnv>().put('/', userToken, jsonBody(ownUserSchema), async c => {
  const { config, now } = c.get('deps');
  const record = await changeOwnUser(c.get('deps'), c.get('claims'), c.req.valid('json'));
  return c.json(presentOwn(record, config.publicUrl, now()));
});

/**
 * What the vendor's SDKs call besides signing in, mounted under `/api/v3`, `/api/v4` and `/api/v5` before the device sessions.
 * Their other calls (chat, feeds, streams) are 404 in the vendor's form.
 */
export const sdkRoutes = new Hono<AppEnv>()
  .get('/network-settings/chat', limitRate('READ_LIMIT'), askerIfAny, async c => {
    const asker = c.get('asker');
    if (asker) await requireStanding(c.get('deps'), asker);
    return c.json(CHAT_SETTINGS);
  })
  .get('/users/list', userOrVisitor, queries(userListSchema), async c => {
    const { config, now } = c.get('deps');
    const found = await readUsers(c.get('deps'), c.get('asker'), c.req.valid('query'));
    return c.json(presentUsers(found, config.publicUrl, now()));
  })
  .get('/users/:userId', userOrVisitor, async c => {
    const { config, now } = c.get('deps');
    const found = await readUser(c.get('deps'), c.get('asker'), c.req.param('userId'));
    return c.json(presentUsers([found], config.publicUrl, now()));
  })
  .route('/users', ownUserRoutes)
  .route('/users/', ownUserRoutes)
  .post(
    '/sessions/visitor',
    limitRate('IDENTIFIER_LIMIT'),
    publishableKey,
    jsonBody(visitorSchema),
    async c => c.json(presentVisit(await startVisit(c.get('deps'), c.req.valid('json').deviceId))),
  )
  // A visitor's token; every other is for the routes of device sessions, which come next.
  .get('/sessions', async (c, next) => {
    const visitor = await readVisitor(c.get('deps'), c.req);
    if (!visitor) return next();
    await requireStanding(c.get('deps'), { kind: 'guest', claims: visitor });
    return c.json({ lastCachePurge: null });
  })
  .delete('/sessions', async (c, next) => {
    const visitor = await readVisitor(c.get('deps'), c.req);
    if (!visitor) return next();
    await limitWrites(c, visitor.sub);
    await endVisit(c.get('deps'), visitor);
    return c.json({ success: true });
  });
