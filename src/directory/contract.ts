import { z } from 'zod';
import { locatorSchema, locatorTextSchema } from '../locators/contract.ts';
import { nfc } from '../text.ts';
import { nameSchema, shownMembers } from '../users/contract.ts';

/** `PATCH /v1/users/{userId}`. Absent and null members stay; an empty text clears. */
export const userPatchSchema = z.object({
  displayName: nameSchema(100).nullish(),
  ...shownMembers,
  isBrand: z.boolean().nullish(),
});

export type UserPatch = z.infer<typeof userPatchSchema>;

/** The directory has a pattern of its own for the userIds it makes. */
const USER_ID = /^[a-zA-Z0-9@#][a-zA-Z0-9\-_@$#]{7,71}$/;

const screenName = nameSchema(100);

/** `POST /v1/users`. Other members that SDKs send are ignored. */
export const newUserSchema = z.object({
  userId: z.string().regex(USER_ID, 'must be 8–72 of a-z, A-Z, 0-9, -, _, @, $ and #').nullish(),
  screenName: z.object({ screenName }),
  userLocators: z.array(locatorSchema).max(20).nullish(),
});

export type NewDirectoryUser = z.infer<typeof newUserSchema>;

/** `PUT /v1/users/{id}/screenname`. */
export const screenNameSchema = z.object({ screenName });

const listed = (text: string | string[]) => [text].flat().flatMap(each => nfc(each).split(','));

/** `*`, or attribute keys. */
const withProfileAttributes = z
  .union([z.string(), z.array(z.string())])
  .transform(text => (text === '*' ? ('*' as const) : [...new Set(listed(text))].filter(Boolean)))
  .pipe(z.union([z.literal('*'), z.array(z.string().max(100)).max(64)]))
  .optional();

/** `GET /v1/users/{id}`; other members are ignored. */
export const userQuerySchema = z.object({ withProfileAttributes });

/** `GET /v1/users`. */
export const usersQuerySchema = z.object({
  withProfileAttributes,
  locators: z
    .union([z.string(), z.array(z.string())])
    .transform(text => [...new Set(listed(text))])
    .pipe(z.array(locatorTextSchema).max(50))
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(100),
  cursor: z.string().optional(),
});

/** Where the next page of all users begins: after this number of ours. */
export const usersCursorSchema = z.object({ afterId: z.int().nonnegative() });
