import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';
import { type AppEnv, configOf } from './context.ts';

const CSP = 'content-security-policy';

/** Sent with every response, errors included: an API's answers are not to be framed, sniffed or run. */
export const securityHeaders = createMiddleware(async (c, next) => {
  let own: string | null = null;
  await hardened(c, async () => {
    await next();
    own = c.res.headers.get(CSP);
  });
  // A page or a served file knows better what it may do.
  if (own !== null) c.res.headers.set(CSP, own);
});

const hardened = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  referrerPolicy: 'no-referrer',
  strictTransportSecurity: 'max-age=63072000; includeSubDomains',
  xFrameOptions: 'DENY',
  crossOriginResourcePolicy: 'cross-origin',
});

/** Answers carry credentials or depend on them: nothing keeps them, but what says otherwise itself. */
export const noStore = createMiddleware(async (c, next) => {
  await next();
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
});

/** Exact allow-list from `ALLOWED_ORIGINS`; no cookies, so no credentials. */
export const crossOrigin = cors({
  origin: (origin, c) => (isAllowedOrigin(c.env as Env, origin) ? origin : null),
  allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'Authorization',
    'Content-Type',
    'File-Name',
    'If-None-Match',
    'If-Range',
    'Range',
    'X-API-KEY',
    'X-Issued-Mitter-User-Authorization',
    'X-Request-Id',
  ],
  exposeHeaders: [
    'Accept-Ranges',
    'Content-Disposition',
    'Content-Range',
    'ETag',
    'Link',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'Server-Timing',
    'X-Request-Id',
  ],
  maxAge: 600,
});

/** Whether a browser page of this origin may speak to us, by CORS or WebSocket. */
export function isAllowedOrigin(env: AppEnv['Bindings'], origin: string): boolean {
  const read = configOf(env);
  return read.ok && read.config.allowedOrigins.includes(origin);
}
