import { z } from 'zod';
import { changesDirection, cleanName, cut, isCleanName, isCleanText, nfc } from '../text.ts';
import { isUserId } from './rules.ts';

/** A public `userId`: 1–72 characters after NFC. `isUserId` says which. */
export const userIdSchema = z
  .string()
  .transform(nfc)
  .refine(
    isUserId,
    'must be 1–72 characters that look like no other id: no commas, slashes, control or invisible characters, no space at an end, and not a reserved name',
  );

/** How many users one call may ask about. */
const MOST_USERS = 100;

/**
 * The users a path names, comma-separated (no `userId` holds a comma), in order. Whether they exist, and what `me` and
 * built-in users mean here, is for the caller to find out.
 */
export const userIdsParameter = z.object({
  userIds: z
    .string()
    .transform(text => nfc(text).split(','))
    .pipe(
      z
        .array(z.string().min(1, 'must be userIds with one comma between them'))
        .max(MOST_USERS, `must be at most ${MOST_USERS} userIds`),
    ),
});

/** A name people read: 1–`max` characters after NFC, that look like something and like no other name. */
export const nameSchema = (max: number) =>
  z
    .string()
    .transform(nfc)
    .refine(
      text => isCleanName(text, max),
      `must be 1–${max} characters without control or invisible ones, and no space at an end`,
    );

/** Prose people read: 1–`max` characters after NFC, without control or invisible characters except line breaks. */
export const textSchema = (max: number) =>
  z
    .string()
    .transform(nfc)
    .refine(
      text => isCleanText(text, max),
      `must be 1–${max} characters without control or invisible ones, except line breaks`,
    );

const clearable = (schema: z.ZodType<string>) => z.union([z.literal(''), schema]).nullish();

/** A larger integer has been changed by the time it is read. */
function hasExactNumbers(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(hasExactNumbers);
}

/** What a record shows besides its name, as requests change it: what is absent or null stays, an empty text clears. */
export const shownMembers = {
  profileHandle: clearable(nameSchema(100)),
  description: clearable(textSchema(1000)),
  avatarCustomUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ }).max(2000)]).nullish(),
  metadata: z
    .unknown()
    .refine(value => !JSON.stringify(value ?? null).includes('"__proto__":'), 'must have no member __proto__')
    .pipe(z.record(z.string().max(100), z.json()).nullish())
    .refine(
      value => JSON.stringify(value ?? null).length <= 10_000,
      'must be at most 10,000 characters of JSON',
    )
    .refine(hasExactNumbers, 'must hold no integer beyond 2^53 - 1: send it as a text')
    .nullish(),
};

/**
 * A name as a device sends it: no reason to refuse a sign-in. What is too long is cut, a space stands for line breaks, and
 * an empty one counts as absent. Only what changes the writing direction is refused: it poses as another name.
 */
export const sentNameSchema = (max: number) =>
  z
    .string()
    .refine(text => !changesDirection(text), 'must hold no character that changes the writing direction')
    .transform(text => cleanName(text, max) || null)
    .nullish();

const LONGEST_DESCRIPTION = 512;

/**
 * A text that only describes, such as a browser's User-Agent: no reason to refuse a sign-in. Its first 512 characters
 * are kept; an empty one and what is no text count as absent.
 */
export const descriptionSchema = z
  .string()
  .transform(text => cut(text, LONGEST_DESCRIPTION) || null)
  .nullish()
  .catch(null);

/**
 * By what proof a user's own word was written. `bare`: a `userId` was named, so it may be anybody's and goes when the user
 * closes; `proven`: the user had proved more; `system`: a secret key.
 */
export type WrittenBy = 'bare' | 'proven' | 'system';

/**
 * The copy of a user's record that `DeviceSessions` keeps, so that one object call answers most requests.
 * Times in epoch ms. A copy with a lower `version` never replaces a higher one.
 */
export interface UserRecord {
  /** `users.id`. */
  uid: number;
  userId: string;
  /** `open`: naming the `userId` is enough to sign in. */
  entry: 'open' | 'closed';
  version: number;
  credentialVersion: number;
  /** The device session that gave the latest password: it outlives that change. */
  keptSid: string | null;
  /** As its owner typed it; null: no password, and no way in by one. */
  username: string | null;
  /** When the account key was set that can replace a lost password; null: there is none. */
  accountKeySetAt: number | null;
  displayName: string | null;
  profileHandle: string | null;
  description: string | null;
  avatarCustomUrl: string | null;
  metadata: Record<string, unknown> | null;
  isBrand: boolean;
  /** For display, as D1 has it: the user's object decides. `until` null: until lifted. */
  ban: { until: number | null } | null;
  /** Keys of the proven wallets: see `walletKey`. */
  wallets: string[];
  /**
   * `users.id` of the former owners of these wallets, and of every user who shared a wallet with them: at most 100, also
   * of erased users. A bar on one of them bars this user. Copies made before this was kept lack it.
   */
  kin: number[];
  roles: RoleRecord[];
  /** The oldest first; the newest is the avatar. */
  photos: Photo[];
  createdAt: number;
  updatedAt: number;
}

/** A picture of a user: an upload of theirs. */
export interface Photo {
  /** Of the upload. */
  id: string;
  /** An extension, such as `png`. */
  fileType: string;
  /** In bytes. */
  fileSize: number;
  previewWidth: number;
  previewHeight: number;
  createdAt: number;
}

export interface RoleRecord {
  roleId: string;
  displayName: string | null;
  permissions: string[];
  createdAt: number;
  updatedAt: number;
}

/** Refused entry to everything, until lifted or `until` (epoch ms). */
export interface Ban {
  reason: string | null;
  until: number | null;
}

/** A ban as the user's object keeps it. */
export interface StoredBan extends Ban {
  /** Epoch ms; null in a ban from before this was kept. */
  since: number | null;
  /** Of the secret key that put it. */
  keyId: string | null;
}
