import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import { admitNewUser } from '../registration/service.ts';
import { unixSeconds } from '../times.ts';
import type { Claims } from '../tokens/claims.ts';
import type { UserRecord } from '../users/contract.ts';
import { noteCopied } from '../users/copy-service.ts';
import type { User } from '../users/record.ts';
import { isBanned } from '../users/rules.ts';
import { createUser, findUser, noteSeen, renameUser, type UserNames } from '../users/service.ts';
import { redeemAuthToken } from './auth-token-service.ts';
import type { DeviceInfo, DeviceSession, Opened, Overview, Proof, SignIn } from './contract.ts';
import type { Lineage } from './rotation.ts';
import { endOfLineage, lineageOf } from './rules.ts';

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
  session: DeviceSession;
  /** The sign-in. */
  lineage: Lineage;
}

/** Refuses `banned`, with the reason, where the user's object says that a ban is in force. */
async function refuseBanned(deps: Deps, uid: number): Promise<void> {
  const ban = await deps.deviceSessions(uid).currentBan();
  if (!ban || !isBanned(ban, deps.now())) return;
  throw new AppError('banned', ban.reason === null ? {} : { detail: ban.reason });
}

/** How often a sign-in reads D1 again when the record changed under it. */
const TRIES = 5;

/** Signs a user in on a device, as SDKs ask; an unknown `userId` makes the user. */
export async function signIn(deps: Deps, input: SignIn, ipAddress: string | null): Promise<SignedIn> {
  const names = { ...given('displayName', input), ...given('profileHandle', input) };
  const { deviceId, authToken } = input;
  deps.noteCaller({ tried: input.userId });
  const proof: Proof = authToken == null ? 'userId' : 'authToken';
  let redeemed: { uid: number; epoch: number } | null = null;
  const opening = {
    deviceId,
    deviceInfo: input.deviceInfo ?? {},
    ipAddress,
    openedBy: 'sdk' as const,
    proof,
  };
  return openDeviceSession(deps, opening, async () => {
    const user = await findOrMake(deps, input, names);
    const { uid, ban } = user.record;
    // The object decides; what D1 shows of a ban spares it, the authToken and the names a refused sign-in.
    if (isBanned(ban, deps.now())) await refuseBanned(deps, uid);
    // Spent once, for one user: a token that served a first try serves the next ones of the same sign-in.
    if (authToken != null && redeemed?.uid !== uid) {
      redeemed = { uid, epoch: await redeemAuthToken(deps, authToken, uid) };
    }
    const renames = Object.entries(names).some(([name, value]) => Object(user.record)[name] !== value);
    // The object decides when it opens. A token that has ended meanwhile must not have written a name by then.
    const outdated = redeemed && renames && redeemed.epoch < (await deps.deviceSessions(uid).epoch());
    if (outdated) throw new AppError('invalid_auth_token');
    const named = await renameUser(deps, user, names, proof === 'userId' ? 'bare' : 'proven');
    return named && { ...named, authTokenEpoch: redeemed?.epoch };
  });
}

export type Opening = Pick<
  DeviceSession,
  'deviceId' | 'deviceInfo' | 'ipAddress' | 'openedBy' | 'proof' | 'wallet' | 'issuedForMs'
>;

/** A user who proved who they are, and the epoch in their authToken where that was the proof. */
type Proven = User & { authTokenEpoch?: number | undefined };

/**
 * Opens a device session for the user that `find` gives, who has proven who they are. Asks it again, a few times,
 * where it gives null or the record changed under the sign-in: what was read may be worth nothing any more.
 */
export async function openDeviceSession(
  deps: Deps,
  opening: Opening,
  find: () => Promise<Proven | null>,
): Promise<SignedIn> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const user = await find();
    if (!user) continue;
    const { record, copyLags, authTokenEpoch } = user;
    const opened = await deps.deviceSessions(record.uid).open({
      ...opening,
      ...livesOf(deps.config, opening),
      record,
      kid: deps.keyRing.signerKid,
      authTokenEpoch,
    });
    if (!opened.ok) {
      if (opened.code === 'stale_record') continue;
      // SDKs have a status of their own for it.
      if (opening.openedBy === 'sdk') await refuseBanned(deps, record.uid);
      throw new AppError(opening.openedBy === 'sdk' ? opened.code : 'sign_in_refused');
    }
    const { session, lineage } = opened.value;
    if (copyLags) deps.defer(later => noteCopied(later, record));
    deps.defer(later => noteSeen(later, record.uid));
    const { id: sid, openedBy, proof } = session;
    deps.audit('signed_in', { uid: record.uid, sid, openedBy, proof });
    return { tokens: await issueTokens(deps, opened.value), record, session, lineage };
  }
  throw new AppError('try_again');
}

/** A new pair for a refresh token; refuses `refresh_reused` where it was stolen, and ends the device session. */
export async function refreshTokens(deps: Deps, refreshToken: string): Promise<TokenPair> {
  const claims = await deps.keyRing.verify('refresh', refreshToken, deps.now());
  if (!claims) throw new AppError('invalid_token');
  const { uid, sid } = claims;
  const refreshed = await deps.deviceSessions(uid).refresh(claims, deps.keyRing.signerKid);
  deps.noteCaller({ uid, sid });
  if (refreshed.ok) deps.audit('refreshed', { uid, sid });
  else if (refreshed.code === 'refresh_reused') deps.audit('refresh_reused', { uid, sid });
  return issueTokens(deps, unwrap(refreshed));
}

/** Whether this refresh token is the one in force; refuses `session_ended` for an earlier one, and ends nothing. */
export async function refreshTokenStands(deps: Deps, claims: Claims<'refresh'>): Promise<void> {
  const { session } = unwrap(await deps.deviceSessions(claims.uid).standing(claims));
  if (lineageOf(session, claims, deps.now())?.current.refreshJti !== claims.jti)
    throw new AppError('session_ended');
}

/** The caller, and where they are signed in, the oldest first. */
export async function readOverview(deps: Deps, claims: Claims<'access'>): Promise<Overview> {
  const overview = unwrap(await deps.deviceSessions(claims.uid).list(claims));
  if (overview.touched) deps.defer(later => noteSeen(later, claims.uid));
  return overview;
}

/** Notes what the caller's device now says of itself. */
export async function describeDevice(
  deps: Deps,
  claims: Claims<'access'>,
  described: DeviceInfo,
): Promise<void> {
  unwrap(await deps.deviceSessions(claims.uid).describeDevice(claims, described));
}

/** The user a sign-in names, made where there is none; refuses a sign-in that needs an authToken and brings none. */
async function findOrMake(deps: Deps, input: SignIn, names: UserNames): Promise<User> {
  const found = await findUser(deps, input.userId);
  const needsToken = deps.config.networkMode === 'secure' || found?.record.entry === 'closed';
  if (needsToken && input.authToken == null) throw new AppError('auth_token_required');
  if (found) return found;
  // An authToken belongs to a user, and there is none.
  if (input.authToken != null) throw new AppError('invalid_auth_token');
  const make = () => createUser(deps, input.userId, 'open', names);
  const made = await admitNewUser(deps, input.registrationCode, make);
  return made ?? findOrMake(deps, input, names);
}

/** How long a device session and its access tokens live, by the surface that opens it. */
function livesOf(config: Deps['config'], { openedBy, issuedForMs }: Opening) {
  const { accessTokenMs, refreshAbsoluteMs, refreshIdleMs } = config;
  if (issuedForMs !== undefined) return { absoluteMs: issuedForMs, idleMs: null, accessMs: issuedForMs };
  if (openedBy === 'account')
    return { absoluteMs: refreshAbsoluteMs, idleMs: null, accessMs: refreshAbsoluteMs };
  return { absoluteMs: refreshAbsoluteMs, idleMs: refreshIdleMs, accessMs: accessTokenMs };
}

/** Signs the pair that the stamp of a sign-in stands for: the same stamp, the same strings. */
export async function issueTokens(
  deps: Pick<Deps, 'keyRing'>,
  { record, session, lineage }: Omit<Opened, 'touched'>,
): Promise<TokenPair> {
  const { accessJti, refreshJti, issuedAt, kid } = lineage.current;
  const claims = {
    sub: record.userId,
    uid: record.uid,
    sid: session.id,
    lin: lineage.id,
    auth_time: unixSeconds(lineage.signedInAt),
    ...(session.openedBy === 'directory' ? { userId: record.userId } : {}),
  };
  const expiresAt = Math.min(issuedAt + session.accessMs, endOfLineage(lineage));
  const sign = (kind: 'access' | 'refresh', jti: string, endsAt: number) =>
    deps.keyRing.sign(kind, { ...claims, jti, exp: Math.floor(endsAt / 1000) }, issuedAt, kid);
  const [accessToken, refreshToken] = await Promise.all([
    sign('access', accessJti, expiresAt),
    sign('refresh', refreshJti, lineage.absoluteEndAt),
  ]);
  return { accessToken, refreshToken, issuedAt, expiresAt };
}

function given<Name extends 'displayName' | 'profileHandle'>(name: Name, input: SignIn): UserNames {
  const value = input[name];
  return value == null ? {} : { [name]: value };
}
