import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { AppError } from '../errors.ts';
import { memberToken, publishableKey, userToken } from '../http/authenticate.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { linkNext, readCursor } from '../http/pagination.ts';
import { jsonBody, query } from '../http/validate.ts';
import {
  type CreateRequest,
  createSchema,
  cursorSchema,
  joinSchema,
  kickSchema,
  pageSchema,
} from './contract.ts';
import { connect } from './events.ts';
import { presentCreated, presentCurrent, presentJoined } from './present.ts';
import {
  createLiveSession,
  deleteLiveSession,
  joinLiveSession,
  kickMember,
  leaveLiveSession,
  readLiveSession,
  toIdentity,
} from './service.ts';

/** What a session may hold depends on the deployment's settings, so the schema is chosen per request. */
const createBody = createMiddleware<AppEnv, string, { out: { json: CreateRequest } }>((c, next) =>
  jsonBody(createSchema(c.get('deps').config.maxSessionMegabytes))(c as never, next),
);

/** Surface B, mounted under `/session`. */
export const liveSessionRoutes = new Hono<AppEnv>()
  .post('/', publishableKey, userToken, createBody, async c => {
    const deps = c.get('deps');
    const { created, token } = await createLiveSession(deps, c.get('claims'), c.req.valid('json'));
    return c.json(presentCreated(created, token, deps.now()));
  })
  .post('/join', limitRate('JOIN_LIMIT'), userToken, jsonBody(joinSchema), async c => {
    const deps = c.get('deps');
    const { sessionId, password, identity } = c.req.valid('json');
    const { created, token } = await joinLiveSession(deps, c.get('claims'), {
      sessionId,
      password: password ?? null,
      identity: toIdentity(identity),
    });
    return c.json(presentJoined(created, token, deps.now()));
  })
  .get('/current', memberToken, query(pageSchema), async c => {
    const deps = c.get('deps');
    const { cursor, limit } = c.req.valid('query');
    const view = await readLiveSession(deps, c.get('member'), readCursor(cursorSchema, cursor), limit);
    if (view.next) linkNext(c, view.next);
    return c.json(presentCurrent(view, deps.now()));
  })
  .post('/current/kick', memberToken, jsonBody(kickSchema), async c => {
    const { userId, reason } = c.req.valid('json');
    await kickMember(c.get('deps'), c.get('member'), userId, reason ?? null);
    return c.body(null, 200);
  })
  .post('/disconnect', memberToken, async c => {
    await leaveLiveSession(c.get('deps'), c.get('member'));
    return c.body(null, 200);
  })
  .delete('/current', memberToken, async c => {
    await deleteLiveSession(c.get('deps'), c.get('member'));
    return c.body(null, 200);
  })
  .get('/current/events', limitRate('JOIN_LIMIT'), async c => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      throw new AppError('upgrade_required', { headers: { Upgrade: 'websocket' } });
    }
    return connect(c);
  });
