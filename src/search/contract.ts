import { z } from 'zod';
import { nfc } from '../text.ts';
import { searchKind } from './rules.ts';

/** `GET /users/{id}`: the number of a user. */
export const userParameter = z.object({ id: z.coerce.number().int().positive() });

/** `GET /users?s=`. */
export const searchSchema = z.object({
  s: z
    .string({ error: 'is required' })
    .transform(nfc)
    .refine(text => searchKind(text) !== null, 'must be 2–32 characters'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().optional(),
});

/** Where the next page of a search begins: after this user, by id or by username. */
export const searchCursorSchema = z.union([
  z.object({ afterId: z.int().nonnegative() }),
  z.object({ afterUsername: z.string().max(25) }),
]);
