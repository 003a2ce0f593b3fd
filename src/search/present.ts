import { presentUserInfo } from '../users/present.ts';
import type { PublicUser } from './service.ts';

/** A user as others see them. Only a caller who is signed in sees `lastSeen`. */
export function presentPublic({ lastSeenAt, ...user }: PublicUser, toSignedIn: boolean) {
  return presentUserInfo(user, toSignedIn ? lastSeenAt : null);
}
