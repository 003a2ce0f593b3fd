import { uuid } from '../../ids.ts';
import { logFault } from '../../log.ts';
import { ok, type Result, refuse } from '../../result.ts';
import type { FileToStore, Reservation, SessionFile, StoredFile } from '../contract.ts';
import { RESERVATION_MS, reserve, storageKey } from '../file-rules.ts';
import { presentFile } from '../present.ts';
import type { Frame } from '../protocol.ts';
import type { RoomParts } from './room-parts.ts';
import type { Inside } from './views.ts';

/** When a deletion that failed is tried again. */
const RETRY_MS = 60_000;

/** How many uploads of one member may be under way. */
const UPLOADS_AT_ONCE = 5;

/** R2 deletes so many keys at once. */
const KEYS_AT_ONCE = 1_000;

export type Files = ReturnType<typeof openFiles>;

/** The files of one live session: counted here, stored in R2. Uploads under way count, too. */
export function openFiles({ sessionId, storage, channel }: RoomParts, bucket: R2Bucket) {
  const view = ({ r2Key: _, subject: __, stored: ___, ...file }: StoredFile): SessionFile => file;

  const tell = (frame: Frame<'FileAdded' | 'FileRemoved'>): void =>
    channel.announce('files', frame, () => ({
      eventType: 'FilesChanged',
      data: { fileCount: storage.fileCount() },
    }));

  const stored = (fileKey: string): StoredFile | null => {
    const file = storage.file(fileKey);
    return file?.stored ? file : null;
  };

  /** Deletes what lies in R2; whether all of it is gone. */
  async function discard(keys: readonly string[]): Promise<boolean> {
    try {
      for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
        await bucket.delete(keys.slice(from, from + KEYS_AT_ONCE));
      }
      return true;
    } catch (error) {
      logFault('files of a live session not deleted', error);
      return false;
    }
  }

  return {
    /** Keeps a place and the bytes for an upload of this member. */
    reserve(
      { session, member }: Inside,
      file: FileToStore,
      now: number,
    ): Result<Reservation, 'too_many_uploads' | 'file_limit_reached' | 'quota_exceeded'> {
      if (storage.uploadsOf(member.subject) >= UPLOADS_AT_ONCE) return refuse('too_many_uploads', 1_000);
      const decision = reserve(storage.holdings(), session, file.sizeInBytes);
      if (!decision.ok) return decision;
      const fileKey = uuid();
      const r2Key = storageKey(session.expiresAt, sessionId, fileKey);
      const { id: creatorId, subject } = member;
      storage.insertFile({ ...file, fileKey, r2Key, creatorId, subject, createdAt: now, stored: false });
      return ok({ fileKey, r2Key });
    },

    /** The upload has arrived: every member can read the file. Refuses where its place has lapsed. */
    commit({ member }: Inside, fileKey: string, now: number): Result<SessionFile, 'reservation_lapsed'> {
      const file = storage.file(fileKey);
      const due = file && !file.stored && file.subject === member.subject;
      if (!due || now >= file.createdAt + RESERVATION_MS) return refuse('reservation_lapsed');
      storage.putFileStored(fileKey, now);
      const shown = view({ ...file, createdAt: now });
      tell({ eventType: 'FileAdded', data: presentFile(shown) });
      return ok(shown);
    },

    /** Gives the place of a broken upload back. */
    release(fileKey: string): void {
      if (storage.file(fileKey)?.stored === false) storage.deleteFile(fileKey);
    },

    list: (): SessionFile[] =>
      storage
        .files()
        .filter(file => file.stored)
        .map(view),

    find(fileKey: string): Result<StoredFile, 'file_not_found'> {
      const file = stored(fileKey);
      return file ? ok(file) : refuse('file_not_found');
    },

    /** Deletes a file for its uploader or the host; waits until its bytes are gone. */
    async remove(
      { state, member }: Inside,
      fileKey: string,
    ): Promise<Result<undefined, 'file_not_found' | 'not_your_file'>> {
      const file = stored(fileKey);
      if (!file) return refuse('file_not_found');
      if (file.subject !== member.subject && state.host !== member.subject) return refuse('not_your_file');
      // Counted until its bytes are gone; where they cannot be deleted now, the alarm tries again.
      storage.putFileDoomed(fileKey, Date.now() - RESERVATION_MS + RETRY_MS);
      tell({ eventType: 'FileRemoved', data: presentFile(file) });
      if (await discard([file.r2Key])) storage.deleteFile(fileKey);
      return ok(undefined);
    },

    /** Takes back the places of uploads that did not arrive in time, and deletes the parts of them that did. */
    async lapse(now: number): Promise<void> {
      const lapsed = storage.reservedUntil(now - RESERVATION_MS);
      for (const { fileKey } of lapsed) storage.putFileDoomed(fileKey, now - RESERVATION_MS + RETRY_MS);
      if (lapsed.length === 0 || !(await discard(lapsed.map(({ r2Key }) => r2Key)))) return;
      for (const { fileKey } of lapsed) storage.deleteFile(fileKey);
    },

    /** Where everything lies that is stored or under way. */
    keys: (): string[] => storage.files().map(({ r2Key }) => r2Key),

    discard,
  };
}
