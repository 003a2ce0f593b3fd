import type { HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Claims } from '../crypto/tokens.ts';
import type { Deps } from '../deps.ts';
import { type Caller, verifySession } from '../device-sessions/service.ts';
import { AppError } from '../errors.ts';
import { fromBase64 } from '../ids.ts';
import { readAccessPair, readKey } from '../keys/rules.ts';
import { verifyKey } from '../keys/service.ts';
import type { Joiner } from '../live-sessions/service.ts';
import type { AppEnv } from './context.ts';
import { signerOf } from './signed-request.ts';

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
export const systemOnly = createMiddleware<AppEnv>(async (c, next) => {
  const deps = c.get('deps');
  const caller = await identify(deps, c.req);
  if (caller.kind === 'user') {
    await verifySession(deps, caller.claims);
    throw new AppError('missing_privilege');
  }
  tellKeyUse(c.get('deps'), c.req, caller);
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
    c.set('joiner', { kind: 'guest', claims: device });
  } else {
    c.set('joiner', await identifyUser(deps, c.req));
  }
  await next();
});

/** A username and a password, as HTTP Basic brings them (RFC 7617). */
export interface PasswordCredential {
  username: string;
  password: string;
}

/** Requires a username and a password, which are what Basic means under `/users`. Whether they are right the service says. */
export const passwordCredential = createMiddleware<AppEnv & { Variables: { password: PasswordCredential } }>(
  async (c, next) => {
    const credential = readPasswordCredential(c.req);
    if (!credential) throw new AppError('invalid_credentials', { detail: 'HTTP Basic is expected' });
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
    if (credential) c.set('proof', { kind: 'password', credential });
    else c.set('proof', { kind: 'token', claims: (await identifyUser(c.get('deps'), c.req)).claims });
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
    const { keyRing, now } = c.get('deps');
    const claims = await keyRing.verify('device', bearer(c.req.header('authorization')), now());
    if (!claims) throw new AppError('invalid_token');
    refuseSecondCredential(c.req);
    c.set('device', claims);
    await next();
  },
);

/** The one who calls; two credentials that name different ones are refused. */
async function identify(deps: Deps, req: HonoRequest): Promise<Caller> {
  const authorization = req.header('authorization');
  const serverKey = req.header('x-server-key');
  // There it means a username and a password, which these calls do not take.
  const isPassword = /^\/users(\/|$)/.test(req.path) && readBasic(authorization) !== null;
  if (isPassword) throw new AppError('invalid_token', { detail: 'A Bearer token is expected' });
  const { signer, issued } = await directoryCredentials(deps, req);
  const callers: Caller[] = [];
  if (signer !== null) callers.push({ kind: 'system', keyId: signer });
  else if (authorization) callers.push(await fromAuthorization(deps, authorization));
  if (issued) callers.push(await fromAuthorization(deps, `Bearer ${issued.replace(/^Bearer +/i, '')}`));
  if (serverKey) callers.push(await system(deps, readKey(serverKey)));
  const [caller, ...others] = callers;
  if (!caller) throw new AppError('missing_credential');
  const disagree = others.some(other => nameOf(caller) !== nameOf(other));
  if (disagree) throw new AppError('conflicting_credentials');
  return caller;
}

/** The header that surface D's answers name for their tokens, beside `Authorization`. */
const ISSUED_TOKEN = 'x-issued-mitter-user-authorization';
const CREDENTIAL_HEADERS = ['authorization', 'x-server-key', ISSUED_TOKEN];

/** What only surface D's clients present themselves by: a signature, a token in a header of its own. */
async function directoryCredentials(deps: Deps, req: HonoRequest) {
  if (!req.path.startsWith('/v1/')) return { signer: null, issued: undefined };
  return { signer: await signerOf(deps, req), issued: req.header(ISSUED_TOKEN) };
}

async function identifyUser(deps: Deps, req: HonoRequest): Promise<Extract<Caller, { kind: 'user' }>> {
  const caller = await identify(deps, req);
  if (caller.kind !== 'user') throw new AppError('not_allowed', { detail: 'A secret key is no user' });
  return caller;
}

const nameOf = (caller: Caller): string => (caller.kind === 'user' ? caller.claims.sid : caller.keyId);

async function fromAuthorization(deps: Deps, authorization: string): Promise<Caller> {
  const basic = readBasic(authorization);
  if (basic === null) {
    const claims = await deps.keyRing.verify('access', bearer(authorization), deps.now());
    if (!claims) throw new AppError('invalid_token');
    return { kind: 'user', claims };
  }
  return system(deps, fromBasic(basic));
}

/** The username and the password of a Basic header, split at the first colon; null where there is no such header. */
function readPasswordCredential(req: HonoRequest): PasswordCredential | null {
  const pair = readBasic(req.header('authorization'));
  if (pair === null) return null;
  refuseSecondCredential(req);
  const colon = pair.indexOf(':');
  return { username: pair.slice(0, Math.max(0, colon)), password: pair.slice(colon + 1) };
}

/** The text a Basic header holds, empty where it is not base64 of UTF-8; null where it is no such header. */
function readBasic(authorization: string | undefined): string | null {
  const basic = /^Basic +([\w+/=-]+)$/i.exec(authorization ?? '')?.[1];
  return basic === undefined ? null : new TextDecoder().decode(fromBase64(basic) ?? new Uint8Array());
}

/** `accessKey:accessSecret`; OAuth clients send each half form-encoded (RFC 6749 §2.3.1). */
function fromBasic(pair: string): ReturnType<typeof readKey> {
  const colon = pair.indexOf(':');
  const [name, secret] = [pair.slice(0, Math.max(0, colon)), pair.slice(colon + 1)];
  const plain = readAccessPair(name, secret);
  if (plain || !/%[0-9a-f]{2}/i.test(pair)) return plain;
  const form = new URLSearchParams(`name=${name}&secret=${secret}`);
  return readAccessPair(form.get('name') ?? '', form.get('secret') ?? '');
}

async function system(deps: Deps, presented: ReturnType<typeof readKey>): Promise<Caller> {
  if (!presented || !(await verifyKey(deps, presented, 'sk'))) throw new AppError('invalid_key');
  return { kind: 'system', keyId: presented.id };
}

/** Requires a member token. Whether the membership stands, or the session is over, is the live session's to say. */
export const memberToken = createMiddleware<AppEnv & { Variables: { member: Claims<'member'> } }>(
  async (c, next) => {
    c.set('member', await verifyMember(c.get('deps'), c.req, bearer(c.req.header('authorization'))));
    await next();
  },
);

/** The membership a genuine member token names, in a request that names nobody else besides. */
export async function verifyMember(
  { keyRing, now }: Deps,
  req: HonoRequest,
  token: string,
): Promise<Claims<'member'>> {
  refuseSecondCredential(req);
  const verified = await keyRing.verifyEvenExpired('member', token, now());
  if (!verified) throw new AppError('invalid_token');
  return verified.claims;
}

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1). */
export function bearer(authorization: string | undefined): string {
  if (!authorization) throw new AppError('missing_credential');
  const token = readBearer(authorization);
  if (!token) throw new AppError('invalid_token');
  return token;
}

function readBearer(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w.-]+)$/i.exec(authorization ?? '')?.[1];
}

/** A token that says who calls stands alone. */
function refuseSecondCredential(req: HonoRequest): void {
  if (req.header('x-server-key') !== undefined) throw new AppError('conflicting_credentials');
}

/** Addresses end up in logs and histories (RFC 6750 §5.3): wherever it is asked, a token in one is refused. */
export const refuseTokenInQuery = createMiddleware(async (c, next) => {
  if (c.req.query('access_token') !== undefined) throw new AppError('token_in_query');
  await next();
});
