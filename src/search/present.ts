import { presentUserInfo } from '../users/present.ts';
import type { PublicUser } from './service.ts';

/** A user as others see them; `lastSeen` only to who is signed in. */
export function presentPublic({ lastSeenAt, ...user }: PublicUser, toSignedIn: boolean) {
  return presentUserInfo(user, toSignedIn ? lastSeenAt : null);
}
