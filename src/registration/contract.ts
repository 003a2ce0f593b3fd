import { z } from 'zod';
import { parseTime } from '../times.ts';

/** What a request that may make a user brings along where `REGISTRATION` is `code`. */
export const registrationCodeSchema = z.string().max(200).nullish();

const time = z.string().transform((text, context): number => {
  const at = parseTime(text);
  if (at !== null) return at;
  context.addIssue('must be a time by ISO 8601 with its zone, such as 2030-01-31T09:30Z');
  return z.NEVER;
});

/** `POST /v1/registration-codes`: how many users the code makes, and until when. */
export const newCodeSchema = z.object({
  uses: z.int().min(1).max(100_000).nullish(),
  expiresAt: time.nullish(),
});

export type NewCode = z.infer<typeof newCodeSchema>;
