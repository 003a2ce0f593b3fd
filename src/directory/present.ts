import { presentUser } from '../device-sessions/present.ts';
import { presentLocator } from '../locators/present.ts';
import { presentAttribute } from '../profiles/present.ts';
import { iso } from '../times.ts';
import type { UserRecord } from '../users/contract.ts';
import { isBanned } from '../users/rules.ts';
import type { ShownUser } from './service.ts';
import type { DirectoryUser } from './store.ts';

/** A user as the directory shows them. Only that user and a secret key see locators and `blocked`. */
export function presentDirectoryUser({ user, whole }: ShownUser, now: number) {
  if (!user) return systemUser;
  const { userId, displayName, bannedAt, bannedUntil, attributes, createdAt, updatedAt } = user;
  const blocked = isBanned(bannedAt === null ? null : { until: bannedUntil }, now);
  return {
    userId,
    ...presentScreenName(displayName),
    ...(whole ? { userLocators: user.locators.map(presentLocator) } : {}),
    systemUser: false,
    synthetic: false,
    ...(whole ? { blocked } : {}),
    entityProfile: attributes && { attributes: attributes.map(presentAttribute) },
    auditInfo: { createdAt: iso(createdAt), updatedAt: iso(updatedAt) },
  };
}

/** Users as a secret key sees them. */
export const presentUsers = (users: readonly DirectoryUser[], now: number) =>
  users.map(user => presentNamedUser(user, now));

/** A user by every name they have, as a secret key looks users up. */
export function presentNamedUser(user: DirectoryUser, now: number) {
  const { id, username } = user;
  return { ...presentDirectoryUser({ user, whole: true }, now), id, username };
}

/** A changed user, in the form of the SDK. */
export function presentRecord(record: UserRecord, now: number) {
  return presentUser(record, now);
}

/** The screen names of users. */
export function presentScreenNames(names: readonly { userId: string; displayName: string | null }[]) {
  return {
    screenNames: names.map(({ userId, displayName }) => ({ userId, screenName: displayName ?? '' })),
  };
}

const presentScreenName = (displayName: string | null) => ({ screenName: { screenName: displayName ?? '' } });

/** The built-in user that every secret key is. It cannot be changed, and no sign-in leads to it. */
const systemUser = {
  userId: '.system',
  ...presentScreenName('System'),
  userLocators: [],
  systemUser: true,
  synthetic: false,
  blocked: false,
  entityProfile: null,
};
