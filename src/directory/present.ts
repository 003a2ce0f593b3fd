import { presentUser } from '../device-sessions/present.ts';
import { presentLocator } from '../locators/present.ts';
import { presentAttribute } from '../profiles/present.ts';
import { iso } from '../times.ts';
import type { ShownEntry } from './service.ts';
import type { EntryRow } from './store.ts';

/** A user as the directory shows them; locators and `blocked` only to the user themself and a secret key. */
export function presentEntry({ entry, whole }: ShownEntry, now: number) {
  if (!entry) return systemUser;
  const { userId, displayName, bannedAt, bannedUntil, attributes, createdAt, updatedAt } = entry;
  const blocked = bannedAt !== null && (bannedUntil === null || now < bannedUntil);
  return {
    userId,
    ...presentScreenName(displayName),
    ...(whole ? { userLocators: entry.locators.map(presentLocator) } : {}),
    systemUser: false,
    synthetic: false,
    ...(whole ? { blocked } : {}),
    entityProfile: attributes && { attributes: attributes.map(presentAttribute) },
    auditInfo: { createdAt: iso(createdAt), updatedAt: iso(updatedAt) },
  };
}

/** Entries as a secret key is shown them. */
export const presentEntries = (entries: readonly EntryRow[], now: number) =>
  entries.map(entry => presentEntry({ entry, whole: true }, now));

/** What users are called. */
export function presentScreenNames(names: readonly { userId: string; displayName: string | null }[]) {
  return {
    screenNames: names.map(({ userId, displayName }) => ({ userId, screenName: displayName ?? '' })),
  };
}

const presentScreenName = (displayName: string | null) => ({ screenName: { screenName: displayName ?? '' } });

/** Whoever presents a secret key: no user that anybody could be, or change. */
const systemUser = {
  userId: '.system',
  ...presentScreenName('System'),
  userLocators: [],
  systemUser: true,
  synthetic: false,
  blocked: false,
  entityProfile: null,
};

/** A user whose record was changed, as the SDK's surface shows users. */
export const presentPatched = presentUser;
