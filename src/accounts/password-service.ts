import type { PasswordCredential } from '../access/credentials.ts';
import { readSession } from '../access/session-service.ts';
import { isCommonPassword } from '../crypto/common-passwords.ts';
import { hashPassword, likeAHash } from '../crypto/passwords.ts';
import type { Deps } from '../deps.ts';
import { signedInAt } from '../device-sessions/rules.ts';
import { AppError } from '../errors.ts';
import { chargeAttempt, failAttempt, noteSuccess, refundAttempt } from '../throttle/service.ts';
import type { Claims } from '../tokens/claims.ts';
import type { AccountKeyChange, PasswordChange, PasswordReset } from './contract.ts';
import { findProvingUser, givePassword, replaceAccountKey, replacePassword } from './credential-service.ts';
import { prove, refunded, requirePassword, stillJudging, subjectOf } from './proof-service.ts';
import { accountKeyFault, isFreshEnough, passwordFault } from './rules.ts';

/** Ends the other device sessions with the password they rest on, and replaces or removes the account key. */
export async function changePassword(
  deps: Deps,
  claims: Claims<'access'>,
  { oldPassword, newPassword, accountKey = null }: PasswordChange,
  network: string,
): Promise<void> {
  const { record } = await readSession(deps, claims);
  const { username } = record;
  refuseFaulty('newPassword', newPassword, username);
  const { hash } = await requirePassword(deps, record, oldPassword, network, 'wrong_old_password');
  refuseWeakKey('accountKey', accountKey, { username, password: newPassword });
  const { uid, sid } = claims;
  const next = await hashBoth(newPassword, accountKey);
  const changed = await replacePassword(deps, uid, { passwordHash: hash }, next, sid);
  if (!changed) throw new AppError('wrong_old_password');
}

/** Sets what restores the account where the password is lost. */
export async function setAccountKey(
  deps: Deps,
  claims: Claims<'access'>,
  { password, accountKey }: AccountKeyChange,
  network: string,
): Promise<void> {
  const { record } = await readSession(deps, claims);
  const { hash } = await requirePassword(deps, record, password, network, 'wrong_old_password');
  refuseWeakKey('accountKey', accountKey, { username: record.username, password });
  const { uid, sid } = claims;
  const accountKeyHash = await hashPassword(accountKey);
  const changed = await replaceAccountKey(deps, uid, hash, accountKeyHash, sid);
  if (!changed) throw new AppError('wrong_old_password');
}

/** Removes the account key, where there is one: then nothing but the password proves its user. */
export async function removeAccountKey(
  deps: Deps,
  claims: Claims<'access'>,
  password: string,
  network: string,
): Promise<void> {
  const { record } = await readSession(deps, claims);
  const { hash } = await requirePassword(deps, record, password, network, 'wrong_old_password');
  const changed = await replaceAccountKey(deps, claims.uid, hash, null, claims.sid);
  if (!changed) throw new AppError('wrong_old_password');
}

/** A new password on the word of the account key, which is spent; every device session ends. */
export async function resetPassword(
  deps: Deps,
  { userId: uid, accountKey, newPassword, newAccountKey = null }: PasswordReset,
  network: string,
): Promise<void> {
  deps.noteCaller({ tried: `#${uid}` });
  refuseFaulty('newPassword', newPassword, null);
  refuseWeakKey('newAccountKey', newAccountKey, { username: null, password: newPassword });
  const found = await findProvingUser(deps, uid);
  const username = found?.user.record.username ?? null;
  const subject = subjectOf({ uid, username });
  const attempt = { subject, network, secret: accountKey, against: 'accountKeyHash' } as const;
  const proven = await prove(deps, attempt, async () => found);
  if (!proven) deps.audit('sign_in_failed', { uid, against: 'accountKey' });
  if (!proven) throw new AppError('wrong_account_key');
  refunded(deps, proven);
  refuseFaulty('newPassword', newPassword, username);
  if (newAccountKey === accountKey) throw faultAt('newAccountKey', 'must not be the key that is spent now');
  const next = await hashBoth(newPassword, newAccountKey);
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
  if (!isFreshEnough(session, signedInAt(session, claims), deps.now()))
    throw new AppError('fresh_proof_required');
  refuseFaulty('password', password, username);
  // Trying names out is charged like trying passwords, but at no name's expense.
  const charge = await chargeAttempt(deps, subjectOf(record), network);
  if (!charge.allowed) {
    if (charge.busy) throw new AppError('try_again', stillJudging);
    await likeAHash();
    throw new AppError('username_taken');
  }
  const passwordHash = await hashPassword(password);
  await givePassword(deps, claims.uid, { username, passwordHash }).catch(error => {
    deps.defer(later => failAttempt(later, charge));
    throw error;
  });
  deps.defer(later => refundAttempt(later, charge));
  deps.defer(later => noteSuccess(later, username, network));
}

/** Refuses a new password by saying what is wrong with it. */
export function refuseFaulty(path: string, password: string, username: string | null): void {
  const message = passwordFault(password, username, isCommonPassword);
  if (message !== null) throw faultAt(path, message);
}

function refuseWeakKey(
  path: string,
  accountKey: string | null,
  others: { username: string | null; password: string },
): void {
  const message = accountKey === null ? null : accountKeyFault(accountKey, others, isCommonPassword);
  if (message !== null) throw faultAt(path, message);
}

const faultAt = (path: string, message: string) =>
  new AppError('invalid_input', { errors: [{ path, message }] });

async function hashBoth(password: string, accountKey: string | null) {
  const passwordHash = await hashPassword(password);
  return { passwordHash, accountKeyHash: accountKey === null ? null : await hashPassword(accountKey) };
}
