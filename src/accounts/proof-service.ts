import type { PasswordCredential } from '../access/credentials.ts';
import { likeAHash, spendHash, verifyPassword } from '../crypto/passwords.ts';
import type { Deps } from '../deps.ts';
import { AppError, type RefusalCode } from '../errors.ts';
import type { Source } from '../http/client-address.ts';
import { type Charge, chargeAttempt, failAttempt, refundAttempt } from '../throttle/service.ts';
import type { UserRecord } from '../users/contract.ts';
import type { User } from '../users/record.ts';
import { findProvingUser, findUserByUsername, type ProvingUser } from './credential-service.ts';

type Hash = 'passwordHash' | 'accountKeyHash';

/** What is to be proven, and whom the attempt is charged to. */
export interface Attempt {
  /** The username the attempt names, or what stands for it where there is no such user or no username. */
  subject: string;
  network: string;
  secret: string;
  against: Hash;
}

/** A secret that was the right one. */
export interface Proven {
  charge: Charge;
  user: User;
  /** The hash it was proven against. */
  hash: string;
  /** Whether that hash has old parameters and must be made again. */
  outdated: boolean;
}

/**
 * Checks a secret, after the attempt was charged. Where it is right, the caller gives the charge back. A wrong secret, an
 * unknown user, a user without a secret and an attempt that has to wait all return null, after the same time.
 * Refuses `try_again` where too many attempts are being checked: this one was not.
 */
export async function prove(
  deps: Deps,
  { subject, network, secret, against }: Attempt,
  find: () => Promise<ProvingUser | null>,
): Promise<Proven | null> {
  const [charge, found] = await Promise.all([chargeAttempt(deps, subject, network), find()]);
  if (!charge.allowed) {
    if (charge.busy) throw new AppError('try_again', stillJudging);
    await likeAHash();
    return null;
  }
  const failed = (): null => {
    deps.defer(later => failAttempt(later, charge));
    return null;
  };
  const hash = found?.credentials?.[against] ?? null;
  // A hash takes zero bytes at the end of a secret for no bytes: no secret has one.
  if (!found || hash === null || secret.includes('\0')) {
    await spendHash(secret);
    return failed();
  }
  const { matches, outdated } = await verifyPassword(secret, hash);
  if (!matches) return failed();
  return { charge, user: found.user, hash, outdated };
}

/** An attempt that found no place within two seconds was not judged: it must not be called wrong. */
export const stillJudging = {
  detail: 'Other attempts on this username from this address are being checked',
  headers: { 'Retry-After': '2' },
};

/** Gives the charge of a secret that was right back, after the answer. */
export function refunded(deps: Deps, proven: Proven): Proven {
  deps.defer(later => refundAttempt(later, proven.charge));
  return proven;
}

/** Whom an attempt at this user is charged to: the username, so that every way in counts at one place. */
export const subjectOf = ({ uid, username }: Pick<UserRecord, 'uid' | 'username'>): string =>
  username ?? `#${uid}`;

/** The user of a username and password; refuses `invalid_credentials` in one way, whatever is wrong. */
export async function proveByPassword(
  deps: Deps,
  { username, password }: PasswordCredential,
  { network }: Pick<Source, 'network'>,
): Promise<Proven> {
  const attempt = { subject: username, network, secret: password, against: 'passwordHash' } as const;
  const proven = await prove(deps, attempt, () => findUserByUsername(deps, username));
  if (proven) return proven;
  deps.audit('sign_in_failed', { against: 'password' });
  throw new AppError('invalid_credentials');
}

/** Checks the caller's password; refuses with `refusal` where it is wrong. */
export async function requirePassword(
  deps: Deps,
  record: Pick<UserRecord, 'uid' | 'username'>,
  password: string,
  network: string,
  refusal: RefusalCode,
): Promise<Proven> {
  const { uid } = record;
  const subject = subjectOf(record);
  const attempt = { subject, network, secret: password, against: 'passwordHash' } as const;
  const proven = await prove(deps, attempt, () => findProvingUser(deps, uid));
  if (proven) return refunded(deps, proven);
  deps.audit('sign_in_failed', { uid, against: 'password' });
  throw new AppError(refusal);
}
