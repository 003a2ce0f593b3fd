import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { setMetric, timing } from 'hono/timing';
import { type Audit, makeAudit } from '../audit.ts';
import { type ConfigResult, readConfig } from '../config.ts';
import { type Deps, makeDeps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { logFault } from '../log.ts';
import type { Trips } from '../platform/trips.ts';
import { clientAddress, networkOf } from './client-address.ts';
import { type Count, makeCount } from './counter.ts';
import { isPublicHost } from './local-host.ts';

/** The environment that every route of the app shares. */
export interface AppEnv {
  Bindings: Env;
  Variables: { deps: Deps; requestId: string; count: Count };
}

const configs = new WeakMap<Env, ConfigResult>();

/** The checked settings, read once per isolate. */
export function configOf(env: Env): ConfigResult {
  const known = configs.get(env);
  if (known) return known;
  const read = readConfig(env as unknown as Record<string, unknown>);
  for (const problem of read.ok ? [] : read.problems) logFault('not configured', new Error(problem));
  configs.set(env, read);
  return read;
}

/** Builds what the request's services need; refuses to serve where the deployment is not configured. */
export const provideDeps = createMiddleware<AppEnv>(async (c, next) => {
  const read = configOf(c.env);
  if (!read.ok) throw notConfigured(c.env, read.problems);
  if (read.config.development) refusePublicHost(new URL(c.req.url).hostname);
  const trips: Trips = { d1: 0, objects: 0 };
  c.set('count', makeCount(c.env, read.config));
  c.set(
    'deps',
    makeDeps({
      env: c.env,
      config: read.config,
      requestId: c.get('requestId'),
      trips,
      waitUntil: work => c.executionCtx.waitUntil(work),
      network: () => networkKnown(c.req.raw),
      caller: {},
    }),
  );
  await next();
  if (!read.config.serverTiming) return;
  setMetric(c, 'd1', String(trips.d1));
  setMetric(c, 'do', String(trips.objects));
});

/** The writer of this request's lines, where no `deps` is made yet; undefined where nothing is configured. */
export function auditOf(c: Context<AppEnv>): Audit | undefined {
  const read = configOf(c.env);
  if (!read.ok) return undefined;
  const network = () => networkKnown(c.req.raw);
  return makeAudit({ requestId: c.get('requestId'), network, caller: {}, config: read.config });
}

/** `Server-Timing`: the trips to storage and the time, where the settings say so. */
export const serverTiming = timing({ enabled: c => isTimed(configOf(c.env as Env)) });

function networkKnown(request: Request): string | null {
  const address = clientAddress(request);
  return address === null ? null : networkOf(address);
}

function isTimed(read: ConfigResult): boolean {
  return read.ok && read.config.serverTiming;
}

/** Development has open doors: it answers this machine and its own network alone. */
function refusePublicHost(hostname: string): void {
  if (!isPublicHost(hostname)) return;
  const detail = 'ENVIRONMENT=development answers local addresses only: set ENVIRONMENT=production';
  throw new AppError('not_configured', { detail, headers: { 'Retry-After': '60' } });
}

function notConfigured(env: Env, problems: string[]): AppError {
  // In development the names of settings help. In production they are only for the log.
  const detail = env.ENVIRONMENT === 'development' ? problems.join('; ') : 'The log says what is missing';
  return new AppError('not_configured', { detail, headers: { 'Retry-After': '60' } });
}
