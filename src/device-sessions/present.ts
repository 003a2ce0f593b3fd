import { getMimeType } from 'hono/utils/mime';
import { iso } from '../times.ts';
import type { Photo, RoleRecord, UserRecord } from '../users/contract.ts';
import { isBanned } from '../users/rules.ts';
import type { DeviceSession } from './contract.ts';
import { endOf, endOfLineage } from './rules.ts';
import type { SignedIn, TokenPair } from './service.ts';

/** The answer of a sign-in, as SDKs expect it: what is absent is `null` or `[]`, never left out. */
export function presentSignedIn({ tokens, record }: SignedIn, publicUrl: string) {
  return {
    ...presentTokens(tokens),
    users: [presentUser(record, tokens.issuedAt)],
    roles: record.roles.map(presentRole),
    files: presentAvatars([record], publicUrl),
    lastCachePurge: null,
  };
}

/** The pictures of users, as SDKs are shown files: of each the newest, and none of who has none. */
export function presentAvatars(records: readonly Pick<UserRecord, 'photos'>[], publicUrl: string) {
  return records.flatMap(({ photos }) => photos.slice(-1)).map(photo => presentAvatar(photo, publicUrl));
}

function presentAvatar(photo: Photo, publicUrl: string) {
  const { id, fileType, fileSize, previewWidth, previewHeight, createdAt } = photo;
  const name = `${id}.${fileType}`;
  const mimeType = getMimeType(name) ?? 'application/octet-stream';
  const [family = ''] = mimeType.split('/');
  return {
    fileId: id,
    fileUrl: `${publicUrl}/uploads/${name}`,
    type: family === 'image' || family === 'video' ? family : 'file',
    accessType: 'public',
    altText: null,
    createdAt: iso(createdAt),
    updatedAt: iso(createdAt),
    attributes: {
      name,
      extension: fileType,
      size: fileSize,
      mimeType,
      metadata: { exif: null, gps: null, height: previewHeight, width: previewWidth, isFull: true },
    },
  };
}

type Tokens = Omit<TokenPair, 'refreshToken'> & { refreshToken: string | null };

/** The answer of a refresh. */
export function presentTokens({ accessToken, refreshToken, issuedAt, expiresAt }: Tokens) {
  return { accessToken, refreshToken, issuedAt: iso(issuedAt), expiresAt: iso(expiresAt) };
}

/** One of a user's own device sessions. */
export function presentDevice(session: DeviceSession, currentId: string, now = session.lastUsedAt) {
  const { id, deviceId, ipAddress, createdAt, lastUsedAt } = session;
  const { token: _, ...deviceInfo } = session.deviceInfo;
  return {
    id,
    deviceId,
    deviceInfo,
    ipAddress,
    createdAt: iso(createdAt),
    lastUsedAt: iso(lastUsedAt),
    expiresAt: iso(endOf(session)),
    /** How many sign-ins on it can be refreshed. */
    signIns: session.lineages.filter(lineage => now < endOfLineage(lineage)).length,
    current: id === currentId,
  };
}

/** What SDKs are shown of a user. */
export type ShownUser = Omit<
  UserRecord,
  'entry' | 'version' | 'credentialVersion' | 'keptSid' | 'username' | 'wallets' | 'kin'
>;

/** A user as SDKs are shown them; `now` decides whether a ban still holds. */
export function presentUser(record: ShownUser, now: number) {
  const internalId = String(record.uid);
  return {
    userId: record.userId,
    createdAt: iso(record.createdAt),
    updatedAt: iso(record.updatedAt),
    _id: internalId,
    path: `user/${internalId}`,
    userInternalId: internalId,
    userPublicId: record.userId,
    roles: record.roles.map(role => role.roleId),
    permissions: [...new Set(record.roles.flatMap(role => role.permissions))],
    displayName: record.displayName,
    profileHandle: record.profileHandle,
    description: record.description,
    avatarFileId: record.photos.at(-1)?.id ?? null,
    avatarCustomUrl: record.avatarCustomUrl,
    flagCount: 0,
    hashFlag: null,
    metadata: record.metadata,
    isGlobalBan: isBanned(record.ban, now),
    isBrand: record.isBrand,
    isDeleted: false,
    userType: 'signed-in',
  };
}

/** A role as SDKs are shown it. */
function presentRole({ roleId, displayName, permissions, createdAt, updatedAt }: RoleRecord) {
  return {
    roleId,
    displayName,
    permissions,
    isDeleted: false,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}
