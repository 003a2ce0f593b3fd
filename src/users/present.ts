import { iso } from '../times.ts';
import type { Photo, UserRecord } from './contract.ts';

/** Leaves out members that do not apply. */
export function whatApplies<T extends Record<string, unknown>>(members: T) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));
}

type Shown = Pick<UserRecord, 'uid' | 'displayName' | 'username' | 'description' | 'photos'>;

export function presentUserInfo(user: Shown, lastSeenAt: number | null) {
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
