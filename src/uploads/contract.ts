import { z } from 'zod';
import { MEDIA_TYPE } from '../files/declared.ts';

const EXTENSION = /^[a-z\d]{1,10}$/i;

/** `POST /uploads`; the length is checked on its own, because its absence is another refusal. */
export const uploadHeadersSchema = z.object({
  'file-name': z
    .uuid('must be a UUID')
    .transform(text => text.toLowerCase())
    .optional(),
  'content-type': z
    .string()
    .max(255)
    .refine(
      text => EXTENSION.test(text) || MEDIA_TYPE.test(text),
      'must be an extension, such as png, or a media type',
    )
    .default('application/octet-stream'),
});

/** What an upload says it is. */
export interface DeclaredUpload {
  /** A UUID in lower case, or null where one is to be made. */
  id: string | null;
  /** A media type. */
  contentType: string;
  /** The extension of its name, such as `png`. */
  fileType: string;
  /** In bytes. */
  fileSize: number;
}

/** In pixels; of what has no size that could be read, 100 by 100. */
export interface PreviewSize {
  previewWidth: number;
  previewHeight: number;
}
