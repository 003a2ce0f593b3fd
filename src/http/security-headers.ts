import type { Context } from 'hono';
import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';
import { type AppEnv, auditOf, configOf } from './context.ts';
import { isAllowedOrigin, shownOrigin } from './origins.ts';

const CSP = 'content-security-policy';

/** Sent with every response, errors included, so that an answer cannot be framed, sniffed or run. */
export const securityHeaders = createMiddleware(async (c, next) => {
  let own: string | null = null;
  await hardened(c, async () => {
    await next();
    own = c.res.headers.get(CSP);
  });
  // A page or a served file sets its own policy.
  if (own !== null) c.res.headers.set(CSP, own);
});

const hardened = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  referrerPolicy: 'no-referrer',
  strictTransportSecurity: 'max-age=63072000; includeSubDomains',
  xFrameOptions: 'DENY',
  crossOriginResourcePolicy: 'cross-origin',
});

/** Answers carry credentials or depend on them, so they are not stored, unless an answer says otherwise. */
export const noStore = createMiddleware(async (c, next) => {
  await next();
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
});

/**
 * Exact allow-list from `ALLOWED_ORIGINS`; no cookies, so no credentials.
 *
 * An allowed origin may send any header: the names it asks for are echoed. A list of names would protect nothing here.
 * The server reads no cookie, so a page can send nothing that any other client could not send. The list of origins and
 * the credential decide. A list would break clients instead: vendors' SDKs, caches and tracing tools add headers of
 * their own to every request. A `*` would not do, since it never stands for `Authorization` (Fetch standard §4.10).
 */
const listed = cors({
  origin: (origin, c) => {
    const read = configOf(c.env as Env);
    return read.ok && isAllowedOrigin(read.config, origin) ? origin : null;
  },
  allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposeHeaders: [
    'Accept-Ranges',
    'Allow',
    'Content-Disposition',
    'Content-Range',
    'ETag',
    'Link',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'Server-Timing',
    'WWW-Authenticate',
    'X-Request-Id',
  ],
  maxAge: 600,
});

/** One line of the log for a refused preflight. A browser tells its page nothing, so that the operator has to know. */
function tellRefused(c: Context<AppEnv>, origin: string): void {
  const { method, routePath: route } = c.req;
  auditOf(c)?.('refused', { code: 'origin_not_allowed', method, route, origin: shownOrigin(origin) });
}

/** Answers preflights, and tells browsers which pages may read an answer. A refused preflight grants nothing. */
export const crossOrigin = createMiddleware<AppEnv>(async (c, next) => {
  const preflight = await listed(c, next);
  if (!preflight || preflight.headers.has('access-control-allow-origin')) return preflight;
  const origin = c.req.header('origin');
  if (origin !== undefined) tellRefused(c, origin);
  for (const name of ['allow-headers', 'allow-methods', 'expose-headers', 'max-age']) {
    // Hono merges what was set before into what is returned.
    for (const { headers } of [preflight, c.res]) headers.delete(`access-control-${name}`);
  }
  return preflight;
});
