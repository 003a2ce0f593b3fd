import type { RoleRecord, UserRecord } from '../users/contract.ts';
import type { SignedIn } from './service.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** The answer of a sign-in, as surface A's SDKs expect it: what is absent is `null` or `[]`, never left out. */
export function presentSignedIn({ tokens, record }: SignedIn) {
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    issuedAt: iso(tokens.issuedAt),
    expiresAt: iso(tokens.expiresAt),
    users: [presentUser(record)],
    roles: record.roles.map(presentRole),
    files: [],
    lastCachePurge: null,
  };
}

function presentUser(record: UserRecord) {
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
    avatarFileId: record.avatarFileId,
    avatarCustomUrl: record.avatarCustomUrl,
    flagCount: 0,
    hashFlag: null,
    metadata: record.metadata,
    isGlobalBan: false,
    isBrand: record.isBrand,
    isDeleted: false,
    userType: 'signed-in',
  };
}

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
