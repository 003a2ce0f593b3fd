import { z } from 'zod';
import { nfc } from '../text.ts';

/** `POST /api/sessions`. An identifier names a device and proves nothing. */
export const identifierSchema = z.object({
  identifier: z
    .string()
    .transform(nfc)
    .refine(text => text.length >= 1 && [...text].length <= 255, 'must be 1–255 characters')
    .refine(text => !/\p{Cc}/u.test(text), 'must hold no control characters'),
});

/** The content of a device token. Times in epoch ms. */
export interface IdentifierSession {
  session: string;
  identifier: string;
  activatedAt: number;
  expiresAt: number;
}
