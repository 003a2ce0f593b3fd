import type { HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';
import { limitWrites } from '../http/limits.ts';
import type { Claims } from '../tokens/claims.ts';
import type { Caller } from './caller.ts';
import {
  identify,
  identifyUser,
  type PasswordCredential,
  presentsCredential,
  readPasswordCredential,
  type Ways,
} from './credentials.ts';
import { verifySession } from './session-service.ts';

/** The proof of a request's user: a password, or an access token. */
export type UserProof =
  | { kind: 'password'; credential: PasswordCredential }
  | { kind: 'token'; claims: Claims<'access'> };

/**
 * The middleware that says who calls a route, for the ways in which the route's clients present themselves. A user's
 * writes are counted here, so that every route that knows its user has a limit.
 */
export function callersBy(ways: Ways) {
  /**
   * Requires a user's access token: verified here by signature, kind and times. The service that goes on must ask
   * `DeviceSessions` whether the device session behind it still stands.
   */
  const userToken = createMiddleware<AppEnv & { Variables: { claims: Claims<'access'> } }>(
    async (c, next) => {
      const { claims } = await identifyUser(c.get('deps'), c.req, ways);
      await limitWrites(c, `user ${claims.uid}`);
      c.set('claims', claims);
      await next();
    },
  );

  /** Requires a user's access token or a secret key. */
  const userOrSystem = createMiddleware<AppEnv & { Variables: { caller: Caller } }>(async (c, next) => {
    const caller = await identify(c.get('deps'), c.req, ways);
    if (caller.kind === 'user') await limitWrites(c, `user ${caller.claims.uid}`);
    else tellKeyUse(c.get('deps'), c.req, caller);
    c.set('caller', caller);
    await next();
  });

  /** Requires a caller, unless the query member that stands for a credential is there; a caller is null then. */
  const callerUnless = (member: string) =>
    createMiddleware<AppEnv & { Variables: { caller: Caller | null } }>(async (c, next) => {
      const deps = c.get('deps');
      const named = c.req.query(member) !== undefined;
      if (named && presentsCredential(c.req)) throw new AppError('conflicting_credentials');
      const caller = named ? null : await identify(deps, c.req, ways);
      if (caller?.kind === 'system') tellKeyUse(deps, c.req, caller);
      c.set('caller', caller);
      await next();
    });

  /** Requires a secret key. A user whose device session stands gets 403, every other caller 401. */
  const systemOnly = createMiddleware<AppEnv & { Variables: { caller: Caller } }>(async (c, next) => {
    const deps = c.get('deps');
    const caller = await identify(deps, c.req, ways);
    if (caller.kind === 'user') {
      await limitWrites(c, `user ${caller.claims.uid}`);
      await verifySession(deps, caller.claims);
      throw new AppError('missing_privilege');
    }
    tellKeyUse(deps, c.req, caller);
    c.set('caller', caller);
    await next();
  });

  /** Takes a user's access token where there is one. A request without one is let in too, and may see less. */
  const optionalUserToken = createMiddleware<AppEnv & { Variables: { asking: Claims<'access'> | null } }>(
    async (c, next) => {
      const asks = c.req.header('authorization') !== undefined || c.req.header('x-server-key') !== undefined;
      c.set('asking', asks ? (await identifyUser(c.get('deps'), c.req, ways)).claims : null);
      await next();
    },
  );

  /** Requires a username and a password, or a user's access token. */
  const passwordOrToken = createMiddleware<AppEnv & { Variables: { proof: UserProof } }>(async (c, next) => {
    const credential = readPasswordCredential(c.req);
    if (credential) {
      c.get('deps').noteCaller({ tried: credential.username });
      c.set('proof', { kind: 'password', credential });
    } else {
      const { claims } = await identifyUser(c.get('deps'), c.req, ways);
      await limitWrites(c, `user ${claims.uid}`);
      c.set('proof', { kind: 'token', claims });
    }
    await next();
  });

  return { userToken, userOrSystem, callerUnless, systemOnly, optionalUserToken, passwordOrToken };
}

function tellKeyUse(deps: Deps, req: HonoRequest, { keyId }: Extract<Caller, { kind: 'system' }>): void {
  deps.audit('key_used', { keyId, method: req.method, route: req.routePath });
}
