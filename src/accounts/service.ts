import type { PasswordCredential } from '../access/credentials.ts';
import { readSession } from '../access/session-service.ts';
import { isCommonPassword } from '../crypto/common-passwords.ts';
import { hashPassword, likeAHash } from '../crypto/passwords.ts';
import type { Deps } from '../deps.ts';
import { signOut, signOutEverywhere } from '../device-sessions/ending-service.ts';
import {
  describeDevice,
  openDeviceSession,
  readOverview,
  type SignedIn,
} from '../device-sessions/service.ts';
import { eraseUser } from '../erasure/service.ts';
import { AppError } from '../errors.ts';
import type { Source } from '../http/client-address.ts';
import { uuid } from '../ids.ts';
import { chargeAttempt, noteSuccess, refundAttempt } from '../throttle/service.ts';
import type { Claims } from '../tokens/claims.ts';
import { findUserOf, updateUser } from '../users/service.ts';
import type { DeviceChange, DeviceInfoInput, ProfileChange, Registration } from './contract.ts';
import {
  findProvingUser,
  findUserByUsername,
  givePassword,
  registerUser,
  replacePassword,
  storeHashes,
} from './credential-service.ts';
import { type Proven, prove, refunded, requirePassword, subjectOf } from './proof-service.ts';
import { isFreshEnough, isRecent, passwordFault } from './rules.ts';

/** Makes a user with a username and a password, signed in on this device; refuses `username_taken`. */
export async function register(deps: Deps, input: Registration, source: Source): Promise<SignedIn> {
  const { name, username, password } = input;
  deps.noteCaller({ tried: username });
  refuseFaulty('password', password, username);
  // Asked before the hash, which is what a registration costs; the insert decides.
  if (await findUserByUsername(deps, username)) throw new AppError('username_taken');
  const passwordHash = await hashPassword(password);
  const made = await registerUser(deps, { name, username, passwordHash });
  deps.audit('registered', { uid: made.record.uid });
  deps.defer(later => noteSuccess(later, username, source.network));
  const fresh = [made];
  return openDeviceSession(
    deps,
    openingOf(input.deviceInfo, source),
    async () => fresh.pop() ?? findUserOf(deps, made.record.uid),
  );
}

/** Signs a user in by their password; refuses `invalid_credentials` in one way, whatever is wrong. */
export async function login(
  deps: Deps,
  credential: PasswordCredential,
  device: DeviceInfoInput,
  source: Source,
): Promise<SignedIn> {
  // Asked again where a new password came in between: the sign-in then rests on that one, or on none.
  return openDeviceSession(deps, openingOf(device, source), async () => {
    const { user, hash, outdated } = refunded(deps, await proveByPassword(deps, credential, source));
    if (outdated) deps.defer(later => rehash(later, user.record.uid, hash, credential.password));
    return user;
  });
}

/** Ends the other device sessions with the password they rest on. */
export async function changePassword(
  deps: Deps,
  claims: Claims<'access'>,
  { oldPassword, newPassword }: { oldPassword: string; newPassword: string },
  network: string,
): Promise<void> {
  const { record } = await readSession(deps, claims);
  refuseFaulty('newPassword', newPassword, record.username);
  const { hash } = await requirePassword(deps, record, oldPassword, network, 'wrong_old_password');
  const { uid, sid } = claims;
  const next = await hashPassword(newPassword);
  const changed = await replacePassword(deps, uid, { passwordHash: hash }, next, sid);
  if (!changed) throw new AppError('wrong_old_password');
}

/** Sets what restores the account where the password is lost. */
export async function setAccountKey(
  deps: Deps,
  claims: Claims<'access'>,
  { password, accountKey }: { password: string; accountKey: string },
  network: string,
): Promise<void> {
  const { record } = await readSession(deps, claims);
  const { hash } = await requirePassword(deps, record, password, network, 'wrong_old_password');
  const { uid, sid } = claims;
  const accountKeyHash = await hashPassword(accountKey);
  const stored = await storeHashes(deps, uid, { passwordHash: hash }, { accountKeyHash });
  if (!stored) throw new AppError('wrong_old_password');
  deps.audit('account_key_set', { uid, sid });
}

/** A new password for whoever knows the account key; every device session ends. */
export async function resetPassword(
  deps: Deps,
  { userId: uid, accountKey, newPassword }: { userId: number; accountKey: string; newPassword: string },
  network: string,
): Promise<void> {
  deps.noteCaller({ tried: `#${uid}` });
  refuseFaulty('newPassword', newPassword, null);
  const found = await findProvingUser(deps, uid);
  const username = found?.user.record.username ?? null;
  const subject = subjectOf({ uid, username });
  const attempt = { subject, network, secret: accountKey, against: 'accountKeyHash' } as const;
  const proven = await prove(deps, attempt, async () => found);
  if (!proven) deps.audit('sign_in_failed', { uid, against: 'accountKey' });
  if (!proven) throw new AppError('wrong_account_key');
  refunded(deps, proven);
  refuseFaulty('newPassword', newPassword, username);
  const next = await hashPassword(newPassword);
  const changed = await replacePassword(deps, uid, { accountKeyHash: proven.hash }, next, null);
  if (!changed) throw new AppError('wrong_account_key');
}

/** Gives a user of another surface a username and a first password. */
export async function setCredentials(
  deps: Deps,
  claims: Claims<'access'>,
  { username, password }: PasswordCredential,
  network: string,
): Promise<void> {
  const { session, record } = await readSession(deps, claims);
  if (record.username !== null) throw new AppError('password_exists');
  if (!isFreshEnough(session, deps.now())) throw new AppError('fresh_proof_required');
  refuseFaulty('password', password, username);
  // Whoever tries names out is charged like whoever tries passwords, but at no name's expense.
  const charge = await chargeAttempt(deps, subjectOf(record), network);
  if (!charge.allowed) {
    await likeAHash();
    throw new AppError('username_taken');
  }
  const passwordHash = await hashPassword(password);
  await givePassword(deps, claims.uid, { username, passwordHash });
  deps.defer(later => refundAttempt(later, charge));
  deps.defer(later => noteSuccess(later, username, network));
}

/** Changes what the caller's profile says; what is absent or null stays, an empty text clears. */
export async function changeProfile(
  deps: Deps,
  claims: Claims<'access'>,
  { name, about }: ProfileChange,
): Promise<void> {
  await readSession(deps, claims);
  const change = {
    ...(name == null ? {} : { displayName: name }),
    ...(about == null ? {} : { description: about === '' ? null : about }),
  };
  if (Object.keys(change).length > 0) await updateUser(deps, claims.uid, change);
}

/** Changes what the caller's device is called and reached by; what is absent or null stays, an empty text clears. */
export async function renameDevice(
  deps: Deps,
  claims: Claims<'access'>,
  { deviceName, deviceToken }: DeviceChange,
): Promise<void> {
  await describeDevice(deps, claims, {
    ...(deviceName == null ? {} : { name: deviceName || null }),
    ...(deviceToken == null ? {} : { token: deviceToken || null }),
  });
}

/** Erases the user this password belongs to. */
export async function eraseByPassword(
  deps: Deps,
  credential: PasswordCredential,
  source: Source,
): Promise<void> {
  const { user, charge } = await proveByPassword(deps, credential, source);
  // Before, not after: it writes where erasure forgets.
  await refundAttempt(deps, charge);
  await eraseUser(deps, user.record.uid);
}

/** Erases the caller, who has no password and signed in just now. */
export async function eraseByToken(deps: Deps, claims: Claims<'access'>): Promise<void> {
  const { session, record } = await readSession(deps, claims);
  if (record.username !== null || !isRecent(session, deps.now())) {
    throw new AppError('fresh_proof_required', {
      detail: record.username === null ? 'Sign in anew first' : 'Authenticate with username and password',
    });
  }
  await eraseUser(deps, claims.uid);
}

async function proveByPassword(
  deps: Deps,
  { username, password }: PasswordCredential,
  { network }: Source,
): Promise<Proven> {
  const attempt = {
    subject: username,
    network,
    secret: password,
    against: 'passwordHash',
  } as const;
  const proven = await prove(deps, attempt, () => findUserByUsername(deps, username));
  if (proven) return proven;
  deps.audit('sign_in_failed', { against: 'password' });
  throw new AppError('invalid_credentials');
}

async function rehash(deps: Deps, uid: number, hash: string, password: string): Promise<void> {
  await storeHashes(deps, uid, { passwordHash: hash }, { passwordHash: await hashPassword(password) });
}

/** Refuses a new password by saying what is wrong with it. */
function refuseFaulty(path: string, password: string, username: string | null): void {
  const message = passwordFault(password, username, isCommonPassword);
  if (message !== null) throw new AppError('invalid_input', { errors: [{ path, message }] });
}

function openingOf(device: DeviceInfoInput, { address }: Source) {
  const { id, ...deviceInfo } = device ?? {};
  const by = { openedBy: 'account', proof: 'password' } as const;
  return { ...by, deviceId: id ?? uuid(), deviceInfo, ipAddress: address };
}

/** The caller, and where they are signed in. */
export const readSelf = readOverview;

/** Ends the device session that asks, or every one of its user. */
export function logOut(deps: Deps, claims: Claims<'access'>, everywhere: boolean): Promise<void> {
  return everywhere ? signOutEverywhere(deps, claims) : signOut(deps, claims);
}
