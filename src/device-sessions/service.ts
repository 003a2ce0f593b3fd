import type { Claims } from '../crypto/tokens.ts';
import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import type { UserRecord } from '../users/contract.ts';
import { createUser, findUser, noteCopied, renameUser, type User, type UserNames } from '../users/service.ts';
import type { DeviceSession, SignIn } from './contract.ts';
import { endOf } from './rules.ts';

/** Tokens of a device session just opened or refreshed; times in epoch ms. */
export interface TokenPair {
  accessToken: string;
  refreshToken: string;
  issuedAt: number;
  expiresAt: number;
}

export interface SignedIn {
  tokens: TokenPair;
  record: UserRecord;
}

/** How often a sign-in reads D1 again when the record changed under it. */
const TRIES = 5;

/** Signs a user in on a device (surface A); an unknown `userId` makes the user. */
export async function signIn(deps: Deps, input: SignIn, ipAddress: string | null): Promise<SignedIn> {
  const names = { ...given('displayName', input), ...given('profileHandle', input) };
  for (let tried = 0; tried < TRIES; tried += 1) {
    const { record, copyLags } = await admitByUserId(deps, input, names);
    const opened = await deps.deviceSessions(record.uid).open({
      record,
      deviceId: input.deviceId,
      deviceInfo: input.deviceInfo ?? {},
      ipAddress,
      openedBy: 'A',
      proof: 'userId',
      absoluteMs: deps.config.refreshAbsoluteMs,
      idleMs: deps.config.refreshIdleMs,
    });
    if (!opened.ok) continue;
    if (copyLags) deps.defer(later => noteCopied(later, record));
    requireEverywhere(opened.value);
    deps.audit('signed_in', { uid: record.uid, sid: opened.value.session.id, by: 'A' });
    return { tokens: await issueTokens(deps, record, opened.value.session), record };
  }
  throw new AppError('try_again');
}

/** The copy of the caller's record, if the device session behind the token stands. */
export async function verifySession(deps: Deps, { uid, sid }: Claims<'access'>): Promise<UserRecord> {
  return unwrap(await deps.deviceSessions(uid).standing(sid)).record;
}

/** Ends the device session behind the token. */
export async function signOut(deps: Deps, { uid, sid }: Claims<'access'>): Promise<void> {
  const ended = unwrap(await deps.deviceSessions(uid).end(sid));
  deps.audit('signed_out', { uid, sid });
  requireEverywhere(ended);
}

/** Ends every device session of the user behind the token. */
export async function signOutEverywhere(deps: Deps, { uid, sid }: Claims<'access'>): Promise<void> {
  const ended = unwrap(await deps.deviceSessions(uid).endAll(sid));
  deps.audit('signed_out', { uid, sid, all: true });
  requireEverywhere(ended);
}

/** Ends every device session of a user, on the word of a secret key. */
export async function signOutUser(deps: Deps, userId: string): Promise<void> {
  const user = await findUser(deps, userId);
  if (!user) throw new AppError('user_not_found');
  const { uid } = user.record;
  const ended = unwrap(await deps.deviceSessions(uid).endAll());
  deps.audit('signed_out', { uid, all: true, by: 'system' });
  requireEverywhere(ended);
}

async function admitByUserId(deps: Deps, input: SignIn, names: UserNames): Promise<User> {
  const found = await findUser(deps, input.userId);
  // Nothing issues authTokens yet, so that none can be valid.
  if (input.authToken != null) throw new AppError('invalid_auth_token');
  if (deps.config.networkMode === 'secure' || found?.entry === 'closed') {
    throw new AppError('auth_token_required');
  }
  if (found) return renameUser(deps, found, names);
  const made = await createUser(deps, input.userId, 'open', names);
  return made ?? admitByUserId(deps, input, names);
}

async function issueTokens(deps: Deps, record: UserRecord, session: DeviceSession): Promise<TokenPair> {
  const now = deps.now();
  const claims = { sub: record.userId, uid: record.uid, sid: session.id };
  const expiresAt = Math.min(now + deps.config.accessTokenMs, endOf(session));
  const [accessToken, refreshToken] = await Promise.all([
    deps.keyRing.sign('access', { ...claims, exp: Math.floor(expiresAt / 1000) }, now),
    deps.keyRing.sign('refresh', { ...claims, exp: Math.floor(session.absoluteEndAt / 1000) }, now),
  ]);
  return { accessToken, refreshToken, issuedAt: now, expiresAt };
}

/** An end that stands but has not reached every live session is no promise kept yet: 503, and the alarm goes on. */
function requireEverywhere({ everywhere }: { everywhere: boolean }): void {
  if (!everywhere) throw new AppError('not_everywhere_yet', { headers: { 'Retry-After': '2' } });
}

function given<Name extends 'displayName' | 'profileHandle'>(name: Name, input: SignIn): UserNames {
  const value = input[name];
  return value == null ? {} : { [name]: value };
}
