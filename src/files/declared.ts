import { getExtension, getMimeType } from 'hono/utils/mime';
import { AppError } from '../errors.ts';

/** The length a body is declared to have, in bytes; refuses `length_required`. */
export function declaredLength(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new AppError('length_required');
  return Number(text);
}

/** The media type and the extension a file is declared by, which may be either of them. */
export function declaredType(text: string): { contentType: string; fileType: string } {
  if (text.includes('/')) {
    const contentType = text.replace(/^image\/jpg\b/i, 'image/jpeg');
    return { contentType, fileType: getExtension(contentType) ?? 'bin' };
  }
  const fileType = text.toLowerCase();
  return { contentType: getMimeType(`x.${fileType}`) ?? 'application/octet-stream', fileType };
}

/** RFC 9110 §8.3.1, ASCII only: what a browser might read otherwise than we do is refused. */
export const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w.+-]+=([\w.+-]+|"[\w .+/:;-]*"))*$/;
