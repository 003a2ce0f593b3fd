import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { clientAddress, networkOf } from './client-address.ts';
import type { AppEnv } from './context.ts';
import type { LimitName } from './counter.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Answers 429 to an address that asks too often. A shield, not a lock: the objects keep the exact limits. */
export function limitRate(name: LimitName) {
  return createMiddleware<AppEnv>(async (c, next) => {
    await c.get('count')(name, networkOf(clientAddress(c.req.raw)));
    await next();
  });
}

/** Answers 429 to a user or a guest who writes too often; reads are not counted. */
export async function limitWrites(c: Pick<Context<AppEnv>, 'get' | 'req'>, subject: string): Promise<void> {
  if (!SAFE_METHODS.has(c.req.method)) await c.get('count')('WRITE_LIMIT', subject);
}
