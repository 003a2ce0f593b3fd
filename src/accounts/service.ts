import type { PasswordCredential } from '../access/credentials.ts';
import { readSession } from '../access/session-service.ts';
import { hashPassword } from '../crypto/passwords.ts';
import type { Deps } from '../deps.ts';
import type { Overview } from '../device-sessions/contract.ts';
import { signOut, signOutEverywhere } from '../device-sessions/ending-service.ts';
import { signedInAt } from '../device-sessions/rules.ts';
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
import { admitNewUser } from '../registration/service.ts';
import { noteSuccess, refundAttempt } from '../throttle/service.ts';
import type { Claims } from '../tokens/claims.ts';
import type { User } from '../users/record.ts';
import { writtenByOwner } from '../users/rules.ts';
import { findUserOf, updateUser } from '../users/service.ts';
import type { DeviceChange, DeviceInfoInput, ProfileChange, Registration } from './contract.ts';
import { findUserByUsername, registerUser, storePasswordHash } from './credential-service.ts';
import { refuseFaulty } from './password-service.ts';
import { proveByPassword, refunded } from './proof-service.ts';
import { isRecent } from './rules.ts';

/** Makes a user with a username and a password, signed in on this device; refuses `username_taken`, and as `admitNewUser` does. */
export async function register(deps: Deps, input: Registration, source: Source): Promise<SignedIn> {
  const { name, username, password, registrationCode } = input;
  deps.noteCaller({ tried: username });
  refuseFaulty('password', password, username);
  const made = await admitNewUser(deps, registrationCode, async () => {
    // Asked before the hash, which is what a registration costs; the insert decides.
    if (await findUserByUsername(deps, username)) throw new AppError('username_taken');
    const passwordHash = await hashPassword(password);
    return registerUser(deps, { name, username, passwordHash });
  });
  const { uid } = made.record;
  deps.audit('registered', { uid });
  deps.defer(later => noteSuccess(later, username, source.network));
  const find = beginningWith(made, () => findUserOf(deps, uid));
  return openDeviceSession(deps, openingOf(input.deviceInfo, source), find);
}

/** Gives the user just made; where that is asked again, what D1 says by then. */
function beginningWith(made: User, readAgain: () => Promise<User | null>): () => Promise<User | null> {
  let isFirst = true;
  return async () => {
    if (!isFirst) return readAgain();
    isFirst = false;
    return made;
  };
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
    if (outdated) {
      const { uid } = user.record;
      deps.defer(async later =>
        storePasswordHash(later, uid, { passwordHash: hash }, await hashPassword(credential.password)),
      );
    }
    return user;
  });
}

/** Changes what the caller's profile says; what is absent or null stays, an empty text clears. */
export async function changeProfile(
  deps: Deps,
  claims: Claims<'access'>,
  { name, about }: ProfileChange,
): Promise<void> {
  const { record } = await readSession(deps, claims);
  const change = {
    ...(name == null ? {} : { displayName: name }),
    ...(about == null ? {} : { description: about === '' ? null : about }),
  };
  if (Object.keys(change).length > 0) await updateUser(deps, claims.uid, change, writtenByOwner(record));
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
  if (record.username !== null || !isRecent(signedInAt(session, claims), deps.now())) {
    throw new AppError('fresh_proof_required', {
      detail: record.username === null ? 'Sign in again first' : 'Authenticate with username and password',
    });
  }
  await eraseUser(deps, claims.uid);
}

function openingOf(device: DeviceInfoInput, { address }: Source) {
  const { id, ...deviceInfo } = device ?? {};
  const by = { openedBy: 'account', proof: 'password' } as const;
  return { ...by, deviceId: id ?? uuid(), deviceInfo, ipAddress: address };
}

/** The caller, and where they are signed in. */
export function readSelf(deps: Deps, claims: Claims<'access'>): Promise<Overview> {
  return readOverview(deps, claims);
}

/** Ends the device session that asks, or every one of its user. */
export function logOut(deps: Deps, claims: Claims<'access'>, everywhere: boolean): Promise<void> {
  return everywhere ? signOutEverywhere(deps, claims) : signOut(deps, claims);
}
