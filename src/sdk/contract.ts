import { z } from 'zod';
import { deviceInfoSchema } from '../device-sessions/contract.ts';
import { nfc } from '../text.ts';
import { sentNameSchema, shownMembers, userIdSchema } from '../users/contract.ts';

/** How many users one call may ask about. */
const MOST_USERS = 100;

/** A `userId`, and how it looks when a client encodes it once too often, as the vendor's SDK does. */
function spellings(text: string): string[] {
  try {
    return [...new Set([nfc(text), nfc(decodeURIComponent(text))])];
  } catch {
    return [nfc(text)];
  }
}

const isUserIds = (name: string) => /^userIds(\[\d*\])?$/.test(name);

/**
 * `GET /api/{v3,v4,v5}/users/list`: `userIds` repeated, comma-separated or in any array syntax of query strings. Each
 * comes as its spellings; a user is meant by any of them.
 */
export const userListSchema = z
  .record(z.string(), z.array(z.string()))
  .transform(query =>
    Object.entries(query)
      .filter(([name]) => isUserIds(name))
      .flatMap(([, values]) => values.flatMap(value => value.split(',')))
      .filter(Boolean),
  )
  .pipe(
    z.array(z.string()).min(1, 'names no userIds').max(MOST_USERS, `must be at most ${MOST_USERS} userIds`),
  )
  .transform(userIds => userIds.flatMap(spellings));

/**
 * `PUT /api/{v3,v4,v5}/users/`: what is absent or null stays, an empty text clears. Without a `userId` the caller is meant.
 * Other members are ignored: roles are not the user's to set, and the newest photo is the avatar.
 */
export const ownUserSchema = z.object({
  userId: userIdSchema.nullish(),
  displayName: sentNameSchema(100),
  ...shownMembers,
  profileHandle: z.union([z.literal(''), sentNameSchema(100)]),
});

export type OwnUserChange = z.infer<typeof ownUserSchema>;

/** `POST /api/{v3,v4,v5}/sessions/visitor`. The vendor's signature of a visitor is not checked: a guest proves nothing. */
export const visitorSchema = z.object({
  deviceId: z.string().min(1).max(150),
  deviceInfo: deviceInfoSchema,
});
