import { z } from 'zod';

/** RFC 9110 §8.3.1, ASCII only: what a browser might read otherwise than we do is refused. */
export const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w.+-]+=([\w.+-]+|"[\w .+/:;-]*"))*$/;

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

/** A body whose first bytes were looked at. */
export interface OpenedBody {
  /** The bytes that were read on the way. */
  head: Uint8Array;
  /** What comes after them; null where nothing does. */
  rest: ReadableStream<Uint8Array> | null;
}
