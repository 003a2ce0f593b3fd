import type { SQL } from 'drizzle-orm';
import { readSession } from '../access/session-service.ts';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import type { Claims } from '../tokens/claims.ts';
import {
  deleteBytes,
  discardingUpload,
  findOwnUpload,
  isOwnUpload,
  keepingUpload,
} from '../uploads/service.ts';
import { changeUser, type WithChange } from '../users/change-store.ts';
import type { Photo } from '../users/contract.ts';
import { type Publishing, publish } from '../users/copy-service.ts';
import type { NewPhoto } from './contract.ts';
import { deletePhoto, insertPhoto, MOST_PHOTOS } from './photo-store.ts';

/** Makes one of the caller's uploads a photo. Refuses `upload_not_found`, `upload_mismatch`, `too_many_photos`. */
export async function attachPhoto(deps: Deps, claims: Claims<'access'>, photo: NewPhoto): Promise<void> {
  const { record } = await readSession(deps, claims);
  const { uid } = claims;
  const id = photo.id.toLowerCase();
  const upload = await findOwnUpload(deps, uid, id);
  if (upload.fileType !== photo.fileType || upload.fileSize !== photo.fileSize) {
    throw new AppError('upload_mismatch');
  }
  if (record.photos.some(known => known.id === id)) return;
  if (record.photos.length >= MOST_PHOTOS) throw new AppError('too_many_photos');
  const { fileType, fileSize, previewWidth, previewHeight } = upload;
  const row = { id, fileType, fileSize, previewWidth, previewHeight, createdAt: deps.now() };
  // The sweeper may have taken the upload first. Then there is no photo.
  const photos = await addPhoto(deps, uid, row, keepingUpload(uid, id), isOwnUpload(uid, id));
  if (photos.some(known => known.id === id)) return;
  throw new AppError(photos.length < MOST_PHOTOS ? 'upload_not_found' : 'too_many_photos');
}

/** Removes one of the caller's photos, with its bytes. Refuses `photo_not_found`. */
export async function detachPhoto(deps: Deps, claims: Claims<'access'>, photoId: string): Promise<void> {
  const { record } = await readSession(deps, claims);
  const { uid } = claims;
  const photo = record.photos.find(({ id }) => id === photoId.toLowerCase());
  if (!photo) throw new AppError('photo_not_found');
  await removePhoto(deps, uid, photo.id, discardingUpload(uid, photo.id));
  await deleteBytes(deps, [photo]);
}

/**
 * Gives a user a picture, with what becomes of its upload in the same transaction; none where that upload is no more
 * (`isThere`). All the pictures from then on.
 */
export async function addPhoto(
  deps: Publishing,
  uid: number,
  photo: Photo,
  keeping: WithChange,
  isThere: SQL,
): Promise<Photo[]> {
  const withChange: WithChange = db => [...insertPhoto({ ...photo, uid }, isThere)(db), ...keeping(db)];
  return (await publish(deps, await changeUser(deps.db, uid, {}, deps.now(), withChange))).photos;
}

/** Takes a picture from a user, with what becomes of its upload. */
async function removePhoto(deps: Publishing, uid: number, id: string, discarding: WithChange): Promise<void> {
  const withChange: WithChange = db => [...deletePhoto(uid, id)(db), ...discarding(db)];
  await publish(deps, await changeUser(deps.db, uid, {}, deps.now(), withChange));
}
