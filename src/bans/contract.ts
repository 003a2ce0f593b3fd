import { z } from 'zod';
import { parseTime } from '../times.ts';
import { textSchema } from '../users/contract.ts';

const time = z.string().transform((text, context): number => {
  const at = parseTime(text);
  if (at !== null) return at;
  context.addIssue('must be a time by ISO 8601 with its zone, such as 2030-01-31T09:30Z');
  return z.NEVER;
});

/** `PUT /v1/users/{userId}/ban`; `until` as an ISO 8601 time, in the future. */
export const banSchema = z.object({ reason: textSchema(500).nullish(), until: time.nullish() });
