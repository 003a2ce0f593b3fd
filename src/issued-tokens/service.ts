import type { Caller } from '../access/caller.ts';
import { actorOf } from '../access/rules.ts';
import { managedId, resolveOwn, type Target } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import type { DeviceSession, Opened } from '../device-sessions/contract.ts';
import { signOut } from '../device-sessions/ending-service.ts';
import { issueTokens, openDeviceSession, readOverview } from '../device-sessions/service.ts';
import { AppError, requireEverywhere, unwrap } from '../errors.ts';
import { uuid } from '../ids.ts';
import { nfc } from '../text.ts';
import { requireUid } from '../users/lookup-service.ts';
import { closeUser, requireUser } from '../users/service.ts';

/** A token that the application's server hands to its user. `expiresAt` in epoch ms. */
export interface IssuedToken {
  tokenId: string;
  signedToken: string;
  issuedAt: number;
  expiresAt: number;
  /** It can only end the token. */
  logoutToken: string;
}

/**
 * Issues a token for a user. It is a device session, and the application's server hands it to the user. It closes the
 * user, because the server vouches for them.
 */
export async function issueToken(deps: Deps, id: string, ttlSeconds: number): Promise<IssuedToken> {
  const userId = managedId(id);
  const by = { openedBy: 'directory', proof: 'token', issuedForMs: ttlSeconds * 1000 } as const;
  const opening = { ...by, deviceId: uuid(), deviceInfo: {}, ipAddress: null };
  const opened = await openDeviceSession(deps, opening, async () => {
    const user = await requireUser(deps, userId);
    if (user.record.entry === 'closed') return user;
    return { record: await closeUser(deps, user), copyLags: false };
  });
  deps.audit('token_issued', { uid: opened.record.uid, sid: opened.session.id });
  return sign(deps, opened);
}

/** A user's device sessions, the oldest first, for that user (one object call) or a secret key. */
export async function listTokens(deps: Deps, caller: Caller, id: string): Promise<DeviceSession[]> {
  if (caller.kind === 'system') {
    const { userId } = await resolveOwn(deps, caller, id);
    const { uid } = await requireUid(deps, userId);
    return deps.deviceSessions(uid).listAll();
  }
  const { record, sessions } = await readOverview(deps, caller.claims);
  if (id !== 'me' && nfc(id) !== record.userId) throw new AppError('missing_privilege');
  return sessions;
}

/** Extends a token to `ttlSeconds` from now. Its earlier text dies. */
export async function extendToken(
  deps: Deps,
  caller: Caller,
  id: string,
  tokenId: string,
  ttlSeconds: number,
): Promise<IssuedToken> {
  const { uid } = await ownerOf(deps, await resolveOwn(deps, caller, id));
  const presented = caller.kind === 'user' ? caller.claims : undefined;
  const object = deps.deviceSessions(uid);
  const ttlMs = ttlSeconds * 1000;
  const extended = unwrap(await object.extend(tokenId, ttlMs, deps.keyRing.signerKid, presented));
  deps.audit('token_issued', { uid, sid: tokenId, extended: true });
  return sign(deps, extended);
}

/** Ends tokens. Refuses `token_not_found` where one of them did not stand, after the others have ended. */
export async function revokeTokens(
  deps: Deps,
  caller: Caller,
  id: string,
  tokenIds: readonly string[],
): Promise<void> {
  const { uid } = await ownerOf(deps, await resolveOwn(deps, caller, id));
  const presented = caller.kind === 'user' ? caller.claims : undefined;
  const which = { kind: 'some', ids: tokenIds, presented } as const;
  const { missing, ...ended } = unwrap(await deps.deviceSessions(uid).end(which, 'revoked', actorOf(caller)));
  for (const sid of tokenIds)
    if (!missing.includes(sid)) deps.audit('token_revoked', { uid, sid, kind: 'access' });
  requireEverywhere(ended);
  if (missing.length > 0) throw new AppError('token_not_found', { detail: missing.join(', ') });
}

/** Ends the token that calls. A secret key has no `me`: `missing_context`. */
export async function logOut(deps: Deps, caller: Caller): Promise<void> {
  if (caller.kind === 'system') throw new AppError('missing_context');
  await signOut(deps, caller.claims);
}

/** Ends the token of a logout link, also where the token was extended since. */
export async function logOutByLink(deps: Deps, token: string): Promise<void> {
  const claims = await deps.keyRing.verify('logout', token, deps.now());
  if (!claims) throw new AppError('invalid_token');
  const { uid, sid } = claims;
  const which = { kind: 'some', ids: [sid] } as const;
  const { missing, ...ended } = unwrap(
    await deps.deviceSessions(uid).end(which, 'signed_out', { kind: 'link' }),
  );
  if (missing.length === 0) deps.audit('signed_out', { uid, sid, by: 'link' });
  requireEverywhere(ended);
  if (missing.length > 0) throw new AppError('session_ended');
}

async function ownerOf(deps: Deps, { self, userId }: Target): Promise<{ uid: number }> {
  return self ?? requireUid(deps, userId);
}

async function sign(deps: Deps, opened: Omit<Opened, 'touched'>): Promise<IssuedToken> {
  const { accessToken: signedToken, issuedAt, expiresAt } = await issueTokens(deps, opened);
  const { record, session } = opened;
  const claims = { sub: record.userId, uid: record.uid, sid: session.id };
  const exp = Math.floor(expiresAt / 1000);
  const logoutToken = await deps.keyRing.sign('logout', { ...claims, exp }, deps.now());
  return { tokenId: session.id, signedToken, issuedAt, expiresAt, logoutToken };
}
