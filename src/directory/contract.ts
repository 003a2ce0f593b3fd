import { z } from 'zod';
import { nameSchema, userIdSchema } from '../users/contract.ts';

/** A role id is of the alphabet of userIds. */
const roleIdSchema = userIdSchema;
export const roleParameter = z.object({ roleId: roleIdSchema });

/** `PUT /v1/roles/{roleId}`. */
export const roleSchema = z.object({
  displayName: nameSchema(100).nullish(),
  permissions: z.array(z.string().min(1).max(100)).max(100).nullish(),
});

/** `PUT /v1/users/{userId}/roles`: exactly these from now on. */
export const userRolesSchema = z.object({ roles: z.array(roleIdSchema).max(50) });

/** `PUT /v1/users/{userId}/ban`; `until` as an ISO 8601 time, in the future. */
export const banSchema = z.object({
  reason: nameSchema(500).nullish(),
  until: z.iso
    .datetime({ offset: true })
    .transform(text => Date.parse(text))
    .nullish(),
});

const clearable = (max: number) => z.union([z.literal(''), nameSchema(max)]).nullish();

/** `PATCH /v1/users/{userId}`: what is absent or null stays, an empty text clears. */
export const userPatchSchema = z.object({
  displayName: nameSchema(100).nullish(),
  profileHandle: clearable(100),
  description: clearable(1000),
  avatarCustomUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ }).max(2000)]).nullish(),
  metadata: z
    .unknown()
    .refine(value => !JSON.stringify(value ?? null).includes('"__proto__":'), 'must have no member __proto__')
    .pipe(z.record(z.string().max(100), z.json()).nullish())
    .refine(
      value => JSON.stringify(value ?? null).length <= 10_000,
      'must be at most 10,000 characters of JSON',
    )
    .nullish(),
  isBrand: z.boolean().nullish(),
});

export type UserPatch = z.infer<typeof userPatchSchema>;
