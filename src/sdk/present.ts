import { presentAvatars, presentTokens, presentUser, type ShownUser } from '../device-sessions/present.ts';
import type { Started } from '../identifier-sessions/service.ts';
import { iso } from '../times.ts';
import type { UserRecord } from '../users/contract.ts';
import type { Found } from './service.ts';

/** The vendor's chat is not part of this server: everything of it is off. SDKs ask right after a sign-in. */
export const CHAT_SETTINGS = {
  enabled: false,
  mention: { isAllowMentionedChannelEnabled: false },
  messagePreview: { enabled: false, isIncludeDeleted: false },
  marker: { enabled: false },
};

/** The answer of every call about users: `users` in the order asked for, and their pictures as `files`. */
export function presentUsers(found: readonly Found[], publicUrl: string, now: number) {
  const shown = found.flatMap(each => (each.kind === 'visitor' ? [] : [shownOf(each)]));
  return {
    users: found.map(each =>
      each.kind === 'visitor' ? presentVisitor(each) : presentUser(shownOf(each), now),
    ),
    files: presentAvatars(shown, publicUrl),
  };
}

/** The answer of a change of the caller's own user. */
export function presentOwn(record: UserRecord, publicUrl: string, now: number) {
  return presentUsers([{ kind: 'self', record }], publicUrl, now);
}

/** The answer of a visitor's sign-in. A visitor has no refresh token: signing in again on the same device renews. */
export function presentVisit({ token, sub, session }: Started) {
  const { activatedAt, expiresAt } = session;
  const tokens = { accessToken: token, refreshToken: null, issuedAt: activatedAt, expiresAt };
  return {
    ...presentTokens(tokens),
    users: [presentVisitor({ userId: sub, since: activatedAt })],
    roles: [],
    files: [],
    lastCachePurge: null,
    userType: 'visitor',
  };
}

/** Only a secret key sees a ban. Other users do not. */
function shownOf(found: Exclude<Found, { kind: 'visitor' }>): ShownUser {
  if (found.kind === 'self') return found.record;
  const { row, roles, photos } = found.user;
  return { ...row, uid: row.id, roles, photos, ban: null };
}

function presentVisitor({ userId, since }: { userId: string; since: number }) {
  return {
    userId,
    createdAt: iso(since),
    updatedAt: iso(since),
    _id: userId,
    path: `user/${userId}`,
    userInternalId: userId,
    userPublicId: userId,
    roles: [],
    permissions: [],
    displayName: 'Guest',
    profileHandle: null,
    description: null,
    avatarFileId: null,
    avatarCustomUrl: null,
    flagCount: 0,
    hashFlag: null,
    metadata: null,
    isGlobalBan: false,
    isBrand: false,
    isDeleted: false,
    userType: 'visitor',
  };
}
