import { z } from 'zod';
import { nameSchema } from '../users/contract.ts';

/** `PUT /v1/users/{userId}/ban`; `until` as an ISO 8601 time, in the future. */
export const banSchema = z.object({
  reason: nameSchema(500).nullish(),
  until: z.iso
    .datetime({ offset: true })
    .transform(text => Date.parse(text))
    .nullish(),
});
