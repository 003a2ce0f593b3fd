import type { Deps } from '../deps.ts';
import { AppError, unwrap } from '../errors.ts';
import { putStream } from '../files/stream-service.ts';
import { DAY_MS } from '../times.ts';
import type { FileToStore, Reservation, SessionFile, StoredFile } from './contract.ts';
import { dayOf, readStorageKey, STORED } from './file-rules.ts';
import { credentialOf, liveSessionOf, type PresentedMember } from './service.ts';

/**
 * Takes an upload in. The live session keeps a place, the bytes are streamed to R2, then the live session confirms that
 * the member and the place still stand. An upload that breaks leaves nothing and gives its place back.
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
  return deps.keepAlive(store(deps, member, file, reservation, body));
}

async function store(
  deps: Deps,
  member: PresentedMember,
  { contentType, sizeInBytes }: FileToStore,
  { fileKey, r2Key }: Reservation,
  body: ReadableStream<Uint8Array> | null,
): Promise<SessionFile> {
  const live = liveSessionOf(deps, member);
  const object = { key: r2Key, contentType, size: sizeInBytes };
  const stored = await putStream(deps, object, { head: new Uint8Array(), rest: body });
  if (!stored.ok) {
    await Promise.all([deps.files.delete(r2Key).catch(() => {}), live.releaseFile(fileKey)]);
    throw new AppError(stored.code);
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

/** How much the sweeper looks through in one run. */
const PAGES_AT_ONCE = 10;
const PAGE_SIZE = 200;

/** A live session may have been to end so many days ago and still stand, its end put off; further back is rare. */
const DAYS_BACK = 14;

/**
 * Deletes what a crash left: objects under days that are over, of sessions that are over or do not know them. A
 * session whose end was put off still stands under its first day, so each is asked. `chance`, from 0 to 1, says whether
 * to begin at the front, as half of the runs do, so that nothing hides behind the files of sessions that stand.
 */
export async function sweepFiles(
  deps: Pick<Deps, 'files' | 'liveSession' | 'now'>,
  chance = Math.random(),
): Promise<number> {
  const today = dayOf(deps.now());
  let swept = 0;
  let startAfter = chance < 0.5 ? '' : anywhere(deps.now());
  for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
    const { objects, truncated } = await deps.files.list({ prefix: STORED, startAfter, limit: PAGE_SIZE });
    const past = objects.map(({ key }) => key).filter(key => readStorageKey(key).day < today);
    const { orphans, standing } = await findOrphans(deps, past);
    if (orphans.length > 0) await deps.files.delete(orphans);
    swept += orphans.length;
    if (!truncated || past.length < objects.length) break;
    const last = past.at(-1) ?? '';
    const folder = last.slice(0, last.lastIndexOf('/') + 1);
    // The rest of a session that stands was asked about with its first file.
    startAfter = standing.has(readStorageKey(last).sessionId) ? `${folder}~` : last;
  }
  return swept;
}

/** A key to begin after, under any of the days that matter. */
function anywhere(now: number): string {
  const day = dayOf(now - Math.ceil(Math.random() * DAYS_BACK) * DAY_MS);
  const session = Math.random().toString(16).slice(2, 6);
  return `${STORED}${day}/${session}`;
}

async function findOrphans(deps: Pick<Deps, 'liveSession'>, keys: string[]) {
  const standing = new Set<string>();
  const bySession = Map.groupBy(keys, key => readStorageKey(key).sessionId);
  const found = await Promise.allSettled(
    [...bySession].map(async ([sessionId, own]) => {
      const known = new Set(await deps.liveSession(sessionId)?.storedKeys());
      const orphans = own.filter(key => !known.has(key));
      if (orphans.length === 0) standing.add(sessionId);
      return orphans;
    }),
  );
  // A session that does not answer is asked again in another run.
  const orphans = found.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : []));
  return { orphans, standing };
}
