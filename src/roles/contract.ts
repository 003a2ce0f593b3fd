import { z } from 'zod';
import { nameSchema, userIdSchema } from '../users/contract.ts';

/** A role id has the alphabet of userIds. */
const roleIdSchema = userIdSchema;

export const roleParameter = z.object({ roleId: roleIdSchema });

/** `PUT /v1/roles/{roleId}`. */
export const roleSchema = z.object({
  displayName: nameSchema(100).nullish(),
  permissions: z.array(z.string().min(1).max(100)).max(100).nullish(),
});

/** `PUT /v1/users/{userId}/roles`: exactly these from now on. */
export const userRolesSchema = z.object({ roles: z.array(roleIdSchema).max(50) });
