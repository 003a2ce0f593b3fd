import type { HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';
import { readKey } from '../keys/rules.ts';
import { verifyKey } from '../keys/service.ts';
import type { Claims } from '../tokens/claims.ts';
import type { Caller, Joiner } from './caller.ts';
import {
  bearer,
  CREDENTIAL_HEADERS,
  identify,
  identifyUser,
  type PasswordCredential,
  readBearer,
  readPasswordCredential,
  refuseSecondCredential,
} from './credentials.ts';
import { verifySession } from './session-service.ts';

/** Requires a publishable key in `X-API-KEY`. A secret key is refused here: it must never ship in an app. */
export const publishableKey = createMiddleware<AppEnv>(async (c, next) => {
  const text = c.req.header('x-api-key');
  if (!text) throw new AppError('missing_credential', { detail: 'X-API-KEY is missing' });
  if (!(await verifyKey(c.get('deps'), readKey(text), 'pk'))) throw new AppError('invalid_key');
  await next();
});

/**
 * Requires a user's access token: verified here by signature, kind and times. The service that goes on must ask
 * `DeviceSessions` whether the device session behind it still stands.
 */
export const userToken = createMiddleware<AppEnv & { Variables: { claims: Claims<'access'> } }>(
  async (c, next) => {
    const { claims } = await identifyUser(c.get('deps'), c.req);
    c.set('claims', claims);
    await next();
  },
);

/** Requires a user's access token or a secret key. */
export const userOrSystem = createMiddleware<AppEnv & { Variables: { caller: Caller } }>(async (c, next) => {
  const caller = await identify(c.get('deps'), c.req);
  if (caller.kind === 'system') tellKeyUse(c.get('deps'), c.req, caller);
  c.set('caller', caller);
  await next();
});

/** Requires a caller, unless the query member that stands for a credential is there; a caller is null then. */
export const callerUnless = (member: string) =>
  createMiddleware<AppEnv & { Variables: { caller: Caller | null } }>(async (c, next) => {
    const deps = c.get('deps');
    const named = c.req.query(member) !== undefined;
    const presents = CREDENTIAL_HEADERS.some(name => c.req.header(name) !== undefined);
    if (named && presents) throw new AppError('conflicting_credentials');
    const caller = named ? null : await identify(deps, c.req);
    if (caller?.kind === 'system') tellKeyUse(deps, c.req, caller);
    c.set('caller', caller);
    await next();
  });

/** Requires a secret key. A user is told apart from nobody: 403 where their device session stands, else 401. */
export const systemOnly = createMiddleware<AppEnv & { Variables: { caller: Caller } }>(async (c, next) => {
  const deps = c.get('deps');
  const caller = await identify(deps, c.req);
  if (caller.kind === 'user') {
    await verifySession(deps, caller.claims);
    throw new AppError('missing_privilege');
  }
  tellKeyUse(c.get('deps'), c.req, caller);
  c.set('caller', caller);
  await next();
});

function tellKeyUse(deps: Deps, req: HonoRequest, { keyId }: Extract<Caller, { kind: 'system' }>): void {
  deps.audit('key_used', { keyId, method: req.method, route: req.routePath });
}

/** Requires a user's access token, or a device token where guests may come; each is asked for at its own object. */
export const joinerToken = createMiddleware<AppEnv & { Variables: { joiner: Joiner } }>(async (c, next) => {
  const deps = c.get('deps');
  const presented = readBearer(c.req.header('authorization'));
  const device = presented && (await deps.keyRing.verify('device', presented, deps.now()));
  if (device) {
    refuseSecondCredential(c.req);
    deps.noteCaller({ guest: device.sub });
    c.set('joiner', { kind: 'guest', claims: device });
  } else {
    c.set('joiner', await identifyUser(deps, c.req));
  }
  await next();
});

/** Requires a username and a password, which are what Basic means under `/users`. Whether they are right the service says. */
export const passwordCredential = createMiddleware<AppEnv & { Variables: { password: PasswordCredential } }>(
  async (c, next) => {
    const credential = readPasswordCredential(c.req);
    if (!credential) throw new AppError('invalid_credentials', { detail: 'HTTP Basic is expected' });
    c.get('deps').noteCaller({ tried: credential.username });
    c.set('password', credential);
    await next();
  },
);

/** What a request proves its user by: a password, or an access token. */
export type UserProof =
  | { kind: 'password'; credential: PasswordCredential }
  | { kind: 'token'; claims: Claims<'access'> };

/** Requires a username and a password, or a user's access token. */
export const passwordOrToken = createMiddleware<AppEnv & { Variables: { proof: UserProof } }>(
  async (c, next) => {
    const credential = readPasswordCredential(c.req);
    if (credential) {
      c.get('deps').noteCaller({ tried: credential.username });
      c.set('proof', { kind: 'password', credential });
    } else c.set('proof', { kind: 'token', claims: (await identifyUser(c.get('deps'), c.req)).claims });
    await next();
  },
);

/** Takes a user's access token where there is one; nobody is let in too, and may be shown less. */
export const optionalUserToken = createMiddleware<
  AppEnv & { Variables: { asking: Claims<'access'> | null } }
>(async (c, next) => {
  const asks = c.req.header('authorization') !== undefined || c.req.header('x-server-key') !== undefined;
  c.set('asking', asks ? (await identifyUser(c.get('deps'), c.req)).claims : null);
  await next();
});

/** Requires a device token of surface E. Whether it was ended is for the service to ask. */
export const deviceToken = createMiddleware<AppEnv & { Variables: { device: Claims<'device'> } }>(
  async (c, next) => {
    const { keyRing, now, noteCaller } = c.get('deps');
    const claims = await keyRing.verify('device', bearer(c.req.header('authorization')), now());
    if (!claims) throw new AppError('invalid_token');
    refuseSecondCredential(c.req);
    noteCaller({ guest: claims.sub });
    c.set('device', claims);
    await next();
  },
);

/** Requires a member token. Whether the membership stands, or the session is over, is the live session's to say. */
export const memberToken = createMiddleware<AppEnv & { Variables: { member: Claims<'member'> } }>(
  async (c, next) => {
    c.set('member', await verifyMember(c.get('deps'), c.req, bearer(c.req.header('authorization'))));
    await next();
  },
);

/** The membership a genuine member token names, in a request that names nobody else besides. */
export async function verifyMember(
  { keyRing, now, noteCaller }: Deps,
  req: HonoRequest,
  token: string,
): Promise<Claims<'member'>> {
  refuseSecondCredential(req);
  const verified = await keyRing.verifyEvenExpired('member', token, now());
  if (!verified) throw new AppError('invalid_token');
  const { uid, sid, sub } = verified.claims;
  noteCaller(uid === undefined ? { guest: sub } : { uid, sid });
  return verified.claims;
}

/** Addresses end up in logs and histories (RFC 6750 §5.3): wherever it is asked, a token in one is refused. */
export const refuseTokenInQuery = createMiddleware(async (c, next) => {
  if (c.req.query('access_token') !== undefined) throw new AppError('token_in_query');
  await next();
});
