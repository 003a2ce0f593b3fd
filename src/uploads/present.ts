import { type UploadName, writeName } from './rules.ts';

/** An upload as `POST /uploads` answers it; `fileSize` in bytes. */
export function presentUpload({ id, fileType, fileSize }: UploadName & { fileSize: number }) {
  return { name: writeName({ id, fileType }), id, fileType, fileSize };
}
