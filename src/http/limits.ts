import { createMiddleware } from 'hono/factory';
import { AppError, waitHeaders } from '../errors.ts';
import { clientAddress, networkOf } from './client-address.ts';
import type { AppEnv } from './context.ts';

/** The coarse shields of `wrangler.toml`, and how many requests a minute and address each lets through. */
const SHIELDS = {
  SIGN_IN_LIMIT: 600,
  JOIN_LIMIT: 600,
  IDENTIFIER_LIMIT: 600,
  NONCE_LIMIT: 60,
  PASSWORD_LIMIT: 60,
  REGISTRATION_LIMIT: 30,
  SEARCH_LIMIT: 60,
} as const;

const PERIOD_SECONDS = 60;
const MORE_IN_DEVELOPMENT = 10;

/** Spreads one address over several counters: that many times the limit, from the same binding. */
let turn = 0;

/** Answers 429 to an address that asks too often. A shield, not a lock: exact limits live in the objects. */
export function limitRate(shield: keyof typeof SHIELDS) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { development } = c.get('deps').config;
    turn = (turn + 1) % (development ? MORE_IN_DEVELOPMENT : 1);
    const { success } = await c.env[shield].limit({ key: `${networkOf(clientAddress(c.req.raw))} ${turn}` });
    if (!success) {
      const policy = shield.toLowerCase().replaceAll('_', '-');
      throw new AppError('too_many_requests', {
        headers: waitHeaders(policy, SHIELDS[shield], PERIOD_SECONDS),
      });
    }
    await next();
  });
}
