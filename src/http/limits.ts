import { createMiddleware } from 'hono/factory';
import { AppError, waitHeaders } from '../errors.ts';
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

/** The caller's address, as Cloudflare saw it. `X-Forwarded-For` is whatever a client likes to say. */
export function clientAddress(request: Request): string | null {
  return request.headers.get('cf-connecting-ip');
}

/** Where a request comes from: the address, as its owner is shown it, and the network that attempts are counted by. */
export interface Origin {
  address: string | null;
  network: string;
}

export function originOf(request: Request): Origin {
  const address = clientAddress(request);
  return { address, network: networkOf(address) };
}

/** An IPv4 address, or the /64 of an IPv6 one: what one household or office has. */
export function networkOf(address: string | null): string {
  if (!address?.includes(':')) return address ?? 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = '', tail] = address.toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail ? tail.split(':') : [];
  const missing = tail === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(Math.max(0, missing)).fill('0'), ...back];
  return `${groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
