import { Hono } from 'hono';
import { userOrSystem } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody, params } from '../http/validate.ts';
import { userIdsParameter } from '../users/contract.ts';
import { presenceSchema } from './contract.ts';
import { presentPresence } from './present.ts';
import { readPresencesOf, setPresenceOf } from './service.ts';

/** Presence, mounted under `/v1/users`. */
export const presenceRoutes = new Hono<AppEnv>()
  .post('/:userId/presence', userOrSystem, jsonBody(presenceSchema), async c => {
    await setPresenceOf(c.get('deps'), c.get('caller'), c.req.param('userId'), c.req.valid('json'));
    return c.json({});
  })
  .get('/:userIds/presence', userOrSystem, params(userIdsParameter), async c => {
    const { userIds } = c.req.valid('param');
    const [first, ...others] = (await readPresencesOf(c.get('deps'), c.get('caller'), userIds)).map(
      presentPresence,
    );
    // For one user the answer is an object, for more a list.
    return userIds.length === 1 ? c.json(first) : c.json([first, ...others]);
  });
