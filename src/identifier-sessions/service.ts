import { keyedHash } from '../crypto/derive.ts';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { uuid } from '../ids.ts';
import { isSpent, spend } from '../single-use/service.ts';
import type { Claims, ClaimsToSign } from '../tokens/claims.ts';
import type { IdentifierSession } from './contract.ts';

/** How many makers a device token names. */
const MOST_MAKERS = 20;

/**
 * A device token, made without storage. Two tokens of the same identifier are unrelated. No credential is needed; a
 * genuine token of a user or a guest that comes along is noted as the maker's.
 */
export async function startIdentifierSession(
  deps: Deps,
  identifier: string,
  makersToken: string | undefined,
): Promise<Started> {
  const session = uuid();
  const by = makersToken === undefined ? [] : await makersOf(deps, makersToken);
  const guest = {
    sub: `guest:${session}`,
    sid: session,
    session,
    identifier,
    ...(by.length > 0 ? { by } : {}),
  };
  return signDeviceToken(deps, guest, deps.config.identifierSessionMs);
}

/** Those a token stands for or was made by, as live sessions know them. Asked of the signature alone. */
async function makersOf({ keyRing, now }: Deps, token: string): Promise<string[]> {
  const user = await keyRing.verify('access', token, now());
  if (user) return [String(user.uid)];
  const guest = await keyRing.verify('device', token, now());
  return guest ? [guest.sub, ...(guest.by ?? [])].slice(0, MOST_MAKERS) : [];
}

/**
 * The guest that a device of the SDK stands for. The same device is the same guest again, so that a renewal keeps its
 * seat in a room; the name tells nothing about the device. Lives as long as an access token, as SDKs renew those.
 */
export async function startVisit(deps: Deps, deviceId: string): Promise<Started> {
  const session = uuid();
  const sub = `guest:${keyedHash(deps.config.masterSecrets, 'visitor', deviceId)}`;
  const guest = { sub, sid: session, session, identifier: deviceId, visitor: true as const };
  return signDeviceToken(deps, guest, deps.config.accessTokenMs);
}

/** A device token, and what it holds. */
export interface Started {
  token: string;
  /** The guest's `userId`. */
  sub: string;
  session: IdentifierSession;
}

async function signDeviceToken(
  deps: Deps,
  guest: Omit<ClaimsToSign<'device'>, 'exp'>,
  lifeMs: number,
): Promise<Started> {
  const { sub, session, identifier } = guest;
  const activatedAt = deps.now();
  const expiresAt = Math.floor((activatedAt + lifeMs) / 1000) * 1000;
  const token = await deps.keyRing.sign('device', { ...guest, exp: expiresAt / 1000 }, activatedAt);
  return { token, sub, session: { session, identifier, activatedAt, expiresAt } };
}

/** The session behind a device token, if it was not ended. */
export async function readIdentifierSession(
  deps: Deps,
  { session, identifier, iat, exp }: Claims<'device'>,
): Promise<IdentifierSession> {
  if (await isSpent(deps, 'device-token', session)) throw new AppError('session_ended');
  return { session, identifier, activatedAt: iat * 1000, expiresAt: exp * 1000 };
}

/** Ends it. This is the only write, kept until the token would have expired. */
export async function endIdentifierSession(deps: Deps, { session, exp }: Claims<'device'>): Promise<void> {
  const first = await spend(deps, 'device-token', session, exp * 1000);
  if (!first) throw new AppError('session_ended');
}
