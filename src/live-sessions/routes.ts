import { Hono } from 'hono';
import { joinerToken, memberToken, publishableKey, userToken } from '../access/authenticate.ts';
import { AppError } from '../errors.ts';
import { clientAddress, networkOf } from '../http/client-address.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { linkNext, readCursor } from '../http/pagination.ts';
import { jsonBody, query } from '../http/validate.ts';
import {
  addressCursorSchema,
  barCursorSchema,
  changeSchema,
  createSchema,
  cursorSchema,
  eventsSchema,
  handOverSchema,
  joinSchema,
  kickSchema,
  pageSchema,
} from './contract.ts';
import { connect } from './events.ts';
import { presentBar, presentCreated, presentCurrent, presentJoined } from './present.ts';
import {
  changeLiveSession,
  createLiveSession,
  deleteLiveSession,
  handOverHost,
  joinLiveSession,
  kickMember,
  leaveLiveSession,
  liftBar,
  liftBarById,
  listBars,
  readAllowList,
  readLiveSession,
} from './service.ts';
import { toIdentity } from './settings-service.ts';

const createBody = jsonBody(config => createSchema(config.maxSessionMegabytes));
const changeBody = jsonBody(config => changeSchema(config.maxSessionMegabytes));

/** Live sessions, mounted under `/session`. */
export const liveSessionRoutes = new Hono<AppEnv>()
  .post('/', publishableKey, userToken, createBody, async c => {
    const deps = c.get('deps');
    const { created, token } = await createLiveSession(deps, c.get('claims'), c.req.valid('json'));
    return c.json(presentCreated(created, token, deps.now()));
  })
  .post('/join', limitRate('JOIN_LIMIT'), joinerToken, jsonBody(joinSchema), async c => {
    const deps = c.get('deps');
    const { sessionId, password, identity } = c.req.valid('json');
    const { created, token } = await joinLiveSession(deps, c.get('joiner'), {
      sessionId,
      password: password ?? null,
      identity: toIdentity(identity),
      network: networkOf(clientAddress(c.req.raw)),
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
    const { userId, reason, closeGuests } = c.req.valid('json');
    const kick = { userId, reason: reason ?? null, closeGuests: closeGuests ?? false };
    await kickMember(c.get('deps'), c.get('member'), kick);
    return c.body(null, 200);
  })
  .delete('/current/kick/:userId', memberToken, async c => {
    await liftBar(c.get('deps'), c.get('member'), c.req.param('userId'));
    return c.body(null, 200);
  })
  .get('/current/bars', memberToken, query(pageSchema), async c => {
    const { cursor, limit } = c.req.valid('query');
    const after = readCursor(barCursorSchema, cursor);
    const { bars, next } = await listBars(c.get('deps'), c.get('member'), after, limit);
    if (next) linkNext(c, next);
    return c.json(bars.map(presentBar));
  })
  .delete('/current/bars/:barId', memberToken, async c => {
    await liftBarById(c.get('deps'), c.get('member'), c.req.param('barId'));
    return c.body(null, 200);
  })
  .get('/current/allow-list', memberToken, query(pageSchema), async c => {
    const { cursor, limit } = c.req.valid('query');
    const after = readCursor(addressCursorSchema, cursor);
    const { addresses, next } = await readAllowList(c.get('deps'), c.get('member'), after, limit);
    if (next) linkNext(c, next);
    return c.json(addresses);
  })
  .post('/current/host', memberToken, jsonBody(handOverSchema), async c => {
    await handOverHost(c.get('deps'), c.get('member'), c.req.valid('json').userId);
    return c.body(null, 200);
  })
  .patch('/current', memberToken, changeBody, async c => {
    const deps = c.get('deps');
    const view = await changeLiveSession(deps, c.get('member'), c.req.valid('json'));
    return c.json(presentCurrent(view, deps.now()));
  })
  .post('/disconnect', memberToken, async c => {
    await leaveLiveSession(c.get('deps'), c.get('member'));
    return c.body(null, 200);
  })
  .delete('/current', memberToken, async c => {
    await deleteLiveSession(c.get('deps'), c.get('member'));
    return c.body(null, 200);
  })
  .get('/current/events', limitRate('JOIN_LIMIT'), query(eventsSchema), async c => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
      throw new AppError('upgrade_required', { headers: { Upgrade: 'websocket' } });
    }
    return connect(c, c.req.valid('query').after);
  });
