import { z } from 'zod';
import { MEDIA_TYPE } from '../files/declared.ts';
import { nameSchema } from '../users/contract.ts';

/** The headers of an upload; the length is checked on its own, because its absence is another refusal. */
export const uploadHeadersSchema = z.object({
  'file-name': z.string({ error: 'is required' }).transform(decode).pipe(nameSchema(255)),
  'content-type': z
    .string()
    .max(255)
    .regex(MEDIA_TYPE, 'must be a media type')
    .default('application/octet-stream'),
});

/** A name as the header carries it: percent-encoded UTF-8 where it is more than ASCII, else as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
