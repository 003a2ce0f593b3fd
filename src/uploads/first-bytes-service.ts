import { fileTypeFromBuffer, supportedMimeTypes } from 'file-type';
import { GIF } from 'image-size/types/gif';
import { HEIF } from 'image-size/types/heif';
import { JPG } from 'image-size/types/jpg';
import { PNG } from 'image-size/types/png';
import { WEBP } from 'image-size/types/webp';
import { AppError } from '../errors.ts';
import type { PeekedBody } from '../files/stream-service.ts';
import type { DeclaredUpload, PreviewSize } from './contract.ts';
import { agrees, isMedia } from './rules.ts';

/** Enough for every signature, and for the size of an image that begins with a thumbnail. */
const HEAD_BYTES = 64 * 1024;

const NO_SIZE: PreviewSize = { previewWidth: 100, previewHeight: 100 };

/** The extensions whose headers are read for a size. Only what browsers and phones make: fewer parsers are safer. */
const HEADERS = new Map([
  ['png', PNG],
  ['apng', PNG],
  ['jpg', JPG],
  ['gif', GIF],
  ['webp', WEBP],
  ['avif', HEIF],
  ['heic', HEIF],
]);

/**
 * Looks at the first bytes of an image or a video, keeping no more than these; of other types at none. Refuses
 * `file_type_mismatch` where they are of another type than declared, `length_mismatch` where there are too few.
 */
export async function readFirstBytes(
  body: ReadableStream<Uint8Array> | null,
  { contentType, fileSize }: Pick<DeclaredUpload, 'contentType' | 'fileSize'>,
): Promise<PeekedBody & PreviewSize> {
  if (!isMedia(contentType)) return { head: new Uint8Array(), rest: body, ...NO_SIZE };
  const head = await readHead(body);
  if (head.byteLength < Math.min(fileSize, HEAD_BYTES)) throw new AppError('length_mismatch');
  // Neither library promises to survive a hostile file.
  const seen = await fileTypeFromBuffer(head).catch(() => undefined);
  const text = new TextDecoder().decode(head);
  if (!agrees(contentType, { type: seen?.mime ?? null, text, signatures: supportedMimeTypes })) {
    await body?.cancel().catch(() => {});
    throw new AppError('file_type_mismatch');
  }
  return { head, rest: body, ...previewSize(seen?.ext ?? '', head) };
}

async function readHead(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const reader = body?.getReader({ mode: 'byob' });
  // The body may break off.
  const read = await reader?.readAtLeast(HEAD_BYTES, new Uint8Array(HEAD_BYTES)).catch(() => null);
  reader?.releaseLock();
  return read?.value ?? new Uint8Array();
}

function previewSize(extension: string, head: Uint8Array): PreviewSize {
  try {
    const { width, height } = HEADERS.get(extension)?.calculate(head) ?? {};
    return isLength(width) && isLength(height) ? { previewWidth: width, previewHeight: height } : NO_SIZE;
  } catch {
    return NO_SIZE;
  }
}

const isLength = (pixels: number | undefined): pixels is number =>
  pixels !== undefined && Number.isSafeInteger(pixels) && pixels > 0;
