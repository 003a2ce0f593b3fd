import { Hono } from 'hono';
import { systemOnly, userOrSystem } from '../access/directory-callers.ts';
import type { AppEnv } from '../http/context.ts';
import { jsonBody, params } from '../http/validate.ts';
import {
  attributeDefSchema,
  attributeParameter,
  attributesParameter,
  keyParameter,
  oneAttributeSchema,
  profileSchema,
} from './contract.ts';
import { presentAttribute, presentAttributeDef, presentProfile } from './present.ts';
import {
  clearAttribute,
  defineAttribute,
  readProfile,
  removeAttributeDef,
  setAttribute,
  setProfile,
  showAttributeDef,
  showAttributeDefs,
} from './service.ts';

/** Definitions of attributes, mounted under `/v1/attribute-def/users`. */
export const attributeDefRoutes = new Hono<AppEnv>()
  .post('/', systemOnly, jsonBody(attributeDefSchema), async c =>
    c.json(presentAttributeDef(await defineAttribute(c.get('deps'), c.req.valid('json')))),
  )
  .get('/', userOrSystem, async c => {
    const defs = await showAttributeDefs(c.get('deps'), c.get('caller'));
    return c.json(defs.map(presentAttributeDef));
  })
  .get('/:key', userOrSystem, params(keyParameter), async c => {
    const { key } = c.req.valid('param');
    return c.json(presentAttributeDef(await showAttributeDef(c.get('deps'), c.get('caller'), key)));
  })
  .delete('/:key', systemOnly, params(keyParameter), async c => {
    await removeAttributeDef(c.get('deps'), c.req.valid('param').key);
    return c.body(null, 200);
  });

/** Users' profiles, mounted under `/v1/users`. */
export const profileRoutes = new Hono<AppEnv>()
  .get('/:userId/profile', userOrSystem, async c =>
    c.json(presentProfile(await readProfile(c.get('deps'), c.get('caller'), c.req.param('userId')))),
  )
  .post('/:userId/profile', userOrSystem, jsonBody(profileSchema), async c => {
    const { attributes } = c.req.valid('json');
    await setProfile(c.get('deps'), c.get('caller'), c.req.param('userId'), attributes);
    return c.body(null, 200);
  })
  .get('/:userId/profile/:keys', userOrSystem, params(attributesParameter), async c => {
    const { userId, keys } = c.req.valid('param');
    const { attributes } = await readProfile(c.get('deps'), c.get('caller'), userId, keys);
    return c.json(attributes.map(presentAttribute));
  })
  .post(
    '/:userId/profile/:key',
    userOrSystem,
    params(attributeParameter),
    jsonBody(oneAttributeSchema),
    async c => {
      await setAttribute(c.get('deps'), c.get('caller'), c.req.valid('param'), c.req.valid('json'));
      return c.body(null, 200);
    },
  )
  .delete('/:userId/profile/:key', userOrSystem, params(attributeParameter), async c => {
    await clearAttribute(c.get('deps'), c.get('caller'), c.req.valid('param'));
    return c.body(null, 200);
  });
