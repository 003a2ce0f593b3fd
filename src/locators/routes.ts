import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { userOrSystem } from '../access/directory-callers.ts';
import { sourceOf } from '../http/client-address.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { jsonBody } from '../http/validate.ts';
import { walletLocatorSchema } from '../wallets/contract.ts';
import { type NewLocator, newLocatorSchema } from './contract.ts';
import { addLocator, deleteLocator, readLocators, removeOwnWallet } from './own-service.ts';
import { presentLocator } from './present.ts';

const limitProofs = limitRate('NONCE_LIMIT');

/** Checking a wallet's signature costs work, and perhaps a call to a chain. An address costs a row. */
const limitWallets = createMiddleware<AppEnv, string, { out: { json: NewLocator } }>(async (c, next) =>
  c.req.valid('json').type === 'wallet' ? limitProofs(c, next) : next(),
);

/** The locators of users, mounted under `/v1/users`. */
export const locatorRoutes = new Hono<AppEnv>()
  .post('/:userId/locators', userOrSystem, jsonBody(newLocatorSchema), limitWallets, async c => {
    const { network } = sourceOf(c.req.raw);
    const locator = c.req.valid('json');
    return c.json(
      presentLocator(
        await addLocator(c.get('deps'), c.get('caller'), c.req.param('userId'), locator, network),
      ),
    );
  })
  .get('/:userId/locators', userOrSystem, async c => {
    const locators = await readLocators(c.get('deps'), c.get('caller'), c.req.param('userId'));
    return c.json(locators.map(presentLocator));
  })
  .delete('/me/locators', limitProofs, userOrSystem, jsonBody(walletLocatorSchema), async c => {
    const { network } = sourceOf(c.req.raw);
    await removeOwnWallet(c.get('deps'), c.get('caller'), c.req.valid('json'), network);
    return c.body(null, 200);
  })
  .delete('/:userId/locators/:userLocatorId', userOrSystem, async c => {
    const { userId, userLocatorId } = c.req.param();
    await deleteLocator(c.get('deps'), c.get('caller'), userId, userLocatorId);
    return c.body(null, 200);
  });
