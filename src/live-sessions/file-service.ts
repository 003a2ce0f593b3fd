import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import type { FileToStore, SessionFile } from './contract.ts';
import type { Reservation } from './files.ts';
import { credentialOf, liveSessionOf, type PresentedMember } from './service.ts';
import type { StoredFile } from './storage.ts';

/**
 * Takes an upload in: a place at the live session, the bytes to R2 as they come, then the live session's word that
 * the member and the place still stand. Whatever breaks on the way leaves nothing and gives the place back.
 */
export async function uploadFile(
  deps: Deps,
  member: PresentedMember,
  file: FileToStore,
  body: ReadableStream<Uint8Array> | null,
): Promise<SessionFile> {
  if (file.sizeInBytes > deps.config.maxFileBytes) throw new AppError('file_too_large');
  const reservation = unwrap(await liveSessionOf(deps, member).reserveFile(credentialOf(member), file));
  // The client may be gone before the last byte: the place is given back all the same.
  return deps.keep(store(deps, member, file, reservation, body));
}

async function store(
  deps: Deps,
  member: PresentedMember,
  { contentType, sizeInBytes }: FileToStore,
  { fileKey, r2Key }: Reservation,
  body: ReadableStream<Uint8Array> | null,
): Promise<SessionFile> {
  const live = liveSessionOf(deps, member);
  try {
    const sized = new FixedLengthStream(sizeInBytes);
    const source = body ?? new Blob([]).stream();
    const stored = deps.files.put(r2Key, sized.readable, {
      httpMetadata: { contentType },
      onlyIf: { etagDoesNotMatch: '*' },
    });
    await Promise.all([source.pipeTo(sized.writable), stored]);
  } catch {
    await Promise.all([deps.files.delete(r2Key), live.releaseFile(fileKey)]);
    throw new AppError('length_mismatch');
  }
  const committed = await live.commitFile(credentialOf(member), fileKey);
  if (!committed.ok) await deps.files.delete(r2Key);
  return unwrap(committed);
}

export async function listFiles(deps: Deps, member: PresentedMember): Promise<SessionFile[]> {
  return unwrap(await liveSessionOf(deps, member).listFiles(credentialOf(member)));
}

/** The file and where it lies; refuses `file_not_found`. */
export async function findFile(deps: Deps, member: PresentedMember, fileKey: string): Promise<StoredFile> {
  return unwrap(await liveSessionOf(deps, member).findFile(credentialOf(member), fileKey));
}

export async function deleteFile(deps: Deps, member: PresentedMember, fileKey: string): Promise<void> {
  unwrap(await liveSessionOf(deps, member).deleteFile(credentialOf(member), fileKey));
}

/** How many pages of a thousand the sweeper looks through in one run; what is left waits for the next. */
const PAGES_AT_ONCE = 10;

/**
 * Deletes what a crash left: objects under days that are over, of sessions that are over or do not know them. A
 * session whose end was put off still stands under its first day, so each is asked.
 */
export async function sweepFiles(deps: Pick<Deps, 'files' | 'liveSession' | 'now'>): Promise<number> {
  const today = new Date(deps.now()).toISOString().slice(0, 10);
  let swept = 0;
  let startAfter = '';
  for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
    const { objects, truncated } = await deps.files.list({ prefix: 'live/', startAfter });
    const past = objects.map(({ key }) => key).filter(key => (key.split('/')[1] ?? today) < today);
    const orphans = await findOrphans(deps, past);
    if (orphans.length > 0) await deps.files.delete(orphans);
    swept += orphans.length;
    if (!truncated || past.length < objects.length) break;
    startAfter = past.at(-1) ?? '';
  }
  return swept;
}

async function findOrphans(deps: Pick<Deps, 'liveSession'>, keys: string[]): Promise<string[]> {
  const bySession = Map.groupBy(keys, key => key.split('/')[2] ?? '');
  const found = await Promise.allSettled(
    [...bySession].map(async ([sessionId, own]) => {
      const known = new Set(await deps.liveSession(sessionId)?.storedKeys());
      return own.filter(key => !known.has(key));
    }),
  );
  // A session that does not answer is asked again in the next run.
  return found.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : []));
}
