import { z } from 'zod';
import { isCleanLabel, nfc } from '../text.ts';

/** Ten years, in seconds. Clients keep seconds in 32 bits, and these fit. */
export const LONGEST_TIME_TO_LIVE = 315_360_000;
/** The most parts of a chain, with the outermost. */
export const LONGEST_CHAIN = 16;

const part = z.object({
  /** A free text that people may see, such as `mitter.up.Online`. */
  type: z
    .string()
    .transform(nfc)
    .refine(text => isCleanLabel(text, 100), 'must be 1–100 characters without control or invisible ones'),
  /** In seconds, fractions too. 0, `null` or absent: the part stays until another presence is set. */
  timeToLive: z
    .number()
    .min(0)
    .max(LONGEST_TIME_TO_LIVE)
    .nullish()
    .transform(seconds => seconds ?? 0),
  /** The part that follows when this one runs out. Its own `timeToLive` begins then. */
  get expiresTo() {
    return part.nullish();
  },
});

/** `POST /v1/users/{id}/presence`. */
export const presenceSchema = part.refine(
  presence => lengthOf(presence) <= LONGEST_CHAIN,
  `must be a chain of at most ${LONGEST_CHAIN} parts`,
);

/** A chain as it was set: this part, and what it expires to. */
export type Presence = z.infer<typeof part>;

function lengthOf(presence: Presence): number {
  let length = 0;
  for (let each: Presence | null = presence; each; each = each.expiresTo ?? null) length += 1;
  return length;
}

/** One user's presence at an instant. */
export interface UserPresenceView {
  userId: string;
  /** The part in force and the rest of its chain; null where it ran out or was never set. */
  presence: Presence | null;
  /** When the chain was set, epoch ms; null where it never was. */
  setAt: number | null;
}
