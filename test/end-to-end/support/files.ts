/** Files of a live session, as a client sends and fetches them. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';

export interface Outgoing {
  name: string;
  bytes: Buffer;
  /** Breaks the connection off once so many bytes have left. */
  breakOffAfter?: number;
}

export interface FileInfo {
  fileKey: string;
  fileName: string;
  sizeInBytes: number;
}

export const fingerprint = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const FILES = '/session/current/files';
const bearer = (seat: string) => ({ authorization: `Bearer ${seat}` });

/** Uploads a file; the answer, or null where the connection ended without one. */
export function upload(
  url: string,
  seat: string,
  { name, bytes, breakOffAfter }: Outgoing,
): Promise<{ status: number; body: FileInfo & { code?: string } } | null> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof upload>>>();
  const sent = request(`${url}${FILES}`, {
    method: 'POST',
    agent: false,
    headers: {
      ...bearer(seat),
      'file-name': encodeURIComponent(name),
      'content-type': 'application/zip',
      'content-length': bytes.length,
    },
  });
  sent.on('error', () => resolve(null));
  sent.on('close', () => resolve(null));
  sent.on('response', answer => {
    let text = '';
    answer.on('data', chunk => {
      text += chunk;
    });
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }));
  });
  if (breakOffAfter === undefined) sent.end(bytes);
  else sent.write(bytes.subarray(0, breakOffAfter), () => sent.destroy());
  return promise;
}

export async function listFiles(url: string, seat: string): Promise<FileInfo[]> {
  const answer = await fetch(`${url}${FILES}`, { headers: bearer(seat) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as FileInfo[];
}

export async function fetchFile(url: string, seat: string, fileKey: string) {
  const answer = await fetch(`${url}${FILES}/${fileKey}`, { headers: bearer(seat) });
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

/** Gives the status. */
export async function deleteFile(url: string, seat: string, fileKey: string): Promise<number> {
  const answer = await fetch(`${url}${FILES}/${fileKey}`, { method: 'DELETE', headers: bearer(seat) });
  await answer.body?.cancel();
  return answer.status;
}
