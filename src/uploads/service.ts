import { verifySession } from '../access/session-service.ts';
import { deriveMac } from '../crypto/derive.ts';
import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import { type PeekedBody, putStream } from '../files/stream-service.ts';
import { toBase64Url, uuid } from '../ids.ts';
import { logFault } from '../log.ts';
import type { Claims } from '../tokens/claims.ts';
import type { DeclaredUpload } from './contract.ts';
import { readFirstBytes } from './first-bytes-service.ts';
import {
  DAY_MS,
  HASH_BYTES,
  LARGEST_UPLOAD,
  MOST_UPLOADS,
  RETIRED_MS,
  readName,
  storageKey,
  type UploadName,
} from './rules.ts';
import {
  deleteReserved,
  deleteRows,
  disownReserved,
  disownRetired,
  findNamed,
  findOwn,
  insertReserved,
  listArrived,
  markStored,
  type UploadRow,
} from './store.ts';

export type Upload = Omit<UploadRow, 'state'>;

/** How many uploads of a user are erased at once. */
const ERASED_AT_ONCE = 500;

/** R2 deletes at most so many keys in one call. */
const KEYS_AT_ONCE = 1_000;

export { discardingUpload, isOwnUpload, keepingUpload } from './store.ts';

/**
 * Takes an upload in. It keeps a place within the user's day, streams the bytes to R2, and checks that the place still
 * stands. An upload that breaks leaves nothing and gives its place back. Refuses `file_too_large`,
 * `file_type_mismatch`, `upload_exists`, `upload_quota_exceeded`, `length_mismatch`, `reservation_lapsed`, and
 * `session_ended` where the user was signed out before the last byte.
 */
export async function receiveUpload(
  deps: Deps,
  claims: Claims<'access'>,
  { id, ...declared }: DeclaredUpload,
  body: ReadableStream<Uint8Array> | null,
): Promise<Upload> {
  await verifySession(deps, claims);
  if (declared.fileSize > LARGEST_UPLOAD) throw new AppError('file_too_large');
  const { head, rest, ...preview } = await readFirstBytes(body, declared);
  const upload = {
    ...declared,
    ...preview,
    id: id ?? uuid(),
    uid: claims.uid,
    createdAt: deps.now(),
  };
  // The client may be gone before the last byte. The place is given back even then.
  return deps.keepAlive(store(deps, claims, upload, { head, rest }, id !== null));
}

async function store(
  deps: Deps,
  claims: Claims<'access'>,
  upload: Upload,
  body: PeekedBody,
  isChosen: boolean,
): Promise<Upload> {
  const { contentType, fileSize, createdAt } = upload;
  const quota = { bytes: deps.config.uploadBytesPerDay, since: createdAt - DAY_MS, uploads: MOST_UPLOADS };
  const place = await insertReserved(deps.db, upload, quota, isChosen ? await hashId(deps, upload.id) : []);
  if (place === 'exists') throw new AppError('upload_exists');
  if (place === 'too many') throw new AppError('upload_count_exceeded');
  if (place === 'no room') throw new AppError('upload_quota_exceeded');
  try {
    unwrap(await putStream(deps, { key: storageKey(upload), contentType, size: fileSize }, body));
    // The user may have been signed out during a long upload.
    await verifySession(deps, claims);
    if (!(await markStored(deps.db, upload.uid, upload.id))) throw new AppError('reservation_lapsed');
    return upload;
  } catch (error) {
    await giveBack(deps, upload);
    throw error;
  }
}

/** Deletes the bytes, then the row. The sweeper does what fails here. */
async function giveBack(deps: Pick<Deps, 'db' | 'files' | 'now'>, upload: Upload): Promise<void> {
  try {
    await deleteBytes(deps, [upload]);
    await deleteReserved(deps.db, upload.id, deps.now() + RETIRED_MS);
  } catch (error) {
    logFault('upload not given back', error);
  }
}

/** The upload of this name, for any caller. Refuses `not_found`. */
export async function findUpload(deps: Pick<Deps, 'db'>, name: string): Promise<Upload & { key: string }> {
  const named = readName(name);
  const row = named && (await findNamed(deps.db, named));
  if (!row) throw new AppError('not_found');
  return { ...row, key: storageKey(row) };
}

/** An upload of this user; the id may be in either letter case. Refuses `upload_not_found` for uploads of others too. */
export async function findOwnUpload(deps: Pick<Deps, 'db'>, uid: number, id: string): Promise<UploadRow> {
  const row = await findOwn(deps.db, uid, id.toLowerCase());
  if (!row) throw new AppError('upload_not_found');
  return row;
}

/** Deletes the bytes in R2. Rows stay and are counted until their day is over. */
export async function deleteBytes(
  { files }: Pick<Deps, 'files'>,
  uploads: readonly UploadName[],
): Promise<void> {
  for (let from = 0; from < uploads.length; from += KEYS_AT_ONCE) {
    await files.delete(uploads.slice(from, from + KEYS_AT_ONCE).map(storageKey));
  }
}

/**
 * Erases a user's uploads, bytes first. It may be called again until it came to its end. An upload that is still arriving
 * loses its user: it is refused at its end, and the sweeper finds what a crash leaves of it.
 */
export async function eraseUploads(deps: Pick<Deps, 'db' | 'files' | 'now'>, uid: number): Promise<void> {
  await disownReserved(deps.db, uid);
  await disownRetired(deps.db, uid);
  for (;;) {
    const rows = await listArrived(deps.db, uid, ERASED_AT_ONCE);
    if (rows.length === 0) return;
    await deleteBytes(deps, rows);
    await forgetUploads(deps, rows);
  }
}

/** Forgets uploads whose bytes are gone; an id that a client chose stays refused to others for a year. */
export async function forgetUploads(
  { db, now }: Pick<Deps, 'db' | 'now'>,
  rows: readonly Pick<UploadRow, 'id'>[],
): Promise<void> {
  await deleteRows(db, rows, now() + RETIRED_MS);
}

/** The keyed hashes an id may be remembered as: one for each pepper, the newest first. */
async function hashId({ config }: Pick<Deps, 'config'>, id: string): Promise<string[]> {
  const macs = config.namePeppers.map(pepper => deriveMac(pepper, 'upload-name', id));
  return (await Promise.all(macs)).map(mac => toBase64Url(mac.subarray(0, HASH_BYTES)));
}
