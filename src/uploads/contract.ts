import { z } from 'zod';
import { MEDIA_TYPE } from '../files/declared.ts';

const EXTENSION = /^[a-z\d]{1,10}$/i;

/** `POST /uploads`. The length is checked apart, because a missing one has a refusal of its own. */
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

/** What the client declares about an upload. */
export interface DeclaredUpload {
  /** A UUID in lower case; null where Usher makes one. */
  id: string | null;
  /** A media type. */
  contentType: string;
  /** The extension of its name, such as `png`. */
  fileType: string;
  /** In bytes. */
  fileSize: number;
}

/** In pixels. 100 by 100 where no size could be read. */
export interface PreviewSize {
  previewWidth: number;
  previewHeight: number;
}
