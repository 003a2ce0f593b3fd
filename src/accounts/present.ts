import type { DeviceSession } from '../device-sessions/contract.ts';
import type { Overview } from '../device-sessions/device-sessions.ts';
import type { SignedIn, TokenPair } from '../device-sessions/service.ts';
import type { Photo, UserRecord } from '../users/contract.ts';
import type { PublicUser } from '../users/search-service.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** Members that do not apply are left out. */
function whatApplies<T extends Record<string, unknown>>(members: T) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));
}

/** The caller themself, where they are signed in, and the token they asked with. */
export function presentMe({ record, session, sessions }: Overview, accessToken: string) {
  const lastSeen = Math.max(...sessions.map(({ lastUsedAt }) => lastUsedAt));
  const own = sessions.map(each =>
    presentDeviceSession(each, each.id === session.id ? { accessToken } : undefined),
  );
  return { ...presentUserInfo(record, lastSeen), deviceSessions: own };
}

/** Who has just signed in, and the device session it opened. */
export function presentSignedIn({ record, session, tokens }: SignedIn) {
  const opened = presentDeviceSession(session, tokens);
  return { ...presentUserInfo(record, session.lastUsedAt), deviceSessions: [opened] };
}

/** A user as others see them; `lastSeen` only to who is signed in. */
export function presentPublic({ lastSeenAt, ...user }: PublicUser, toSignedIn: boolean) {
  return presentUserInfo(user, toSignedIn ? lastSeenAt : null);
}

type Shown = Pick<UserRecord, 'uid' | 'displayName' | 'username' | 'description' | 'photos'>;

function presentUserInfo(user: Shown, lastSeenAt: number | null) {
  return {
    id: user.uid,
    ...whatApplies({
      name: user.displayName,
      username: user.username,
      about: user.description,
      lastSeen: lastSeenAt === null ? null : iso(lastSeenAt),
    }),
    photos: user.photos.map(presentPhoto),
  };
}

function presentPhoto({ createdAt, ...photo }: Photo) {
  const { id, fileType, fileSize, previewWidth, previewHeight } = photo;
  return { id, fileType, fileSize, previewWidth, previewHeight, createdAt: iso(createdAt) };
}

function presentDeviceSession(session: DeviceSession, tokens?: Partial<TokenPair>) {
  const { id, deviceId, deviceInfo, ipAddress, createdAt, lastUsedAt } = session;
  const { name, model, token, transport } = deviceInfo;
  return {
    id,
    ...whatApplies({
      accessToken: tokens?.accessToken,
      refreshToken: tokens?.refreshToken,
      expiresAt: tokens?.expiresAt === undefined ? null : iso(tokens.expiresAt),
      ipAddress,
    }),
    createdAt: iso(createdAt),
    updatedAt: iso(lastUsedAt),
    deviceInfo: { id: deviceId, ...whatApplies({ name, model, token, transport }) },
  };
}
