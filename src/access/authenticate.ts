import type { HonoRequest } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';
import { limitWrites } from '../http/limits.ts';
import { readKey } from '../keys/rules.ts';
import { verifyKey } from '../keys/service.ts';
import type { Claims } from '../tokens/claims.ts';
import type { Joiner } from './caller.ts';
import { callersBy } from './callers.ts';
import {
  bearer,
  identifyUser,
  type PasswordCredential,
  readBearer,
  readPasswordCredential,
  refuseSecondCredential,
} from './credentials.ts';

/** Requires a publishable key in `X-API-KEY`. A secret key is refused here, because it must never be in an app. */
export const publishableKey = createMiddleware<AppEnv>(async (c, next) => {
  const text = c.req.header('x-api-key');
  if (!text) throw new AppError('missing_credential', { detail: 'X-API-KEY is missing' });
  if (!(await verifyKey(c.get('deps'), readKey(text), 'pk'))) throw new AppError('invalid_key');
  await next();
});

/** Callers of most routes: a user by a Bearer token, and a secret key. */
export const { userToken, userOrSystem, systemOnly } = callersBy({});

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
    c.set('joiner', await identifyUser(deps, c.req, {}));
  }
  await next();
});

/** Requires a username and a password. The service checks them. */
export const passwordCredential = createMiddleware<AppEnv & { Variables: { password: PasswordCredential } }>(
  async (c, next) => {
    const credential = readPasswordCredential(c.req);
    if (!credential) throw new AppError('invalid_credentials', { detail: 'HTTP Basic is expected' });
    c.get('deps').noteCaller({ tried: credential.username });
    c.set('password', credential);
    await next();
  },
);

/** Requires a device token. The service asks whether it was ended. */
export const deviceToken = createMiddleware<AppEnv & { Variables: { device: Claims<'device'> } }>(
  async (c, next) => {
    const { keyRing, now, noteCaller } = c.get('deps');
    const claims = await keyRing.verify('device', bearer(c.req.header('authorization')), now());
    if (!claims) throw new AppError('invalid_token');
    refuseSecondCredential(c.req);
    noteCaller({ guest: claims.sub });
    await limitWrites(c, claims.sub);
    c.set('device', claims);
    await next();
  },
);

/** Requires a member token. The live session says whether the membership stands. */
export const memberToken = createMiddleware<AppEnv & { Variables: { member: Claims<'member'> } }>(
  async (c, next) => {
    const member = await verifyMember(c.get('deps'), c.req, bearer(c.req.header('authorization')));
    await limitWrites(c, member.uid === undefined ? member.sub : `user ${member.uid}`);
    c.set('member', member);
    await next();
  },
);

/** The membership that a genuine member token names, in a request that names no other caller. */
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

/** Addresses are kept in logs and histories (RFC 6750 §5.3), so a token in one is refused. */
export const refuseTokenInQuery = createMiddleware(async (c, next) => {
  if (c.req.query('access_token') !== undefined) throw new AppError('token_in_query');
  await next();
});
