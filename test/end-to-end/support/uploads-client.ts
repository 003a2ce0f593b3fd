import { globSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Laptop } from './dev-server.ts';

export interface Outgoing {
  id: string;
  bytes: Buffer;
  contentType: string;
}

/** Uploads a file; the status, and the code of a refusal. */
export async function upload(
  url: string,
  token: string,
  { id, bytes, contentType }: Outgoing,
): Promise<{ status: number; code?: string; name?: string }> {
  const answer = await fetch(`${url}/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'file-name': id, 'content-type': contentType },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
  return { status: answer.status, ...((await answer.json()) as { code?: string; name?: string }) };
}

/**
 * Sends the head of an upload and so many bytes over a socket of its own; `destroy` resets the connection, `gone`
 * tells that nothing of it is left on this side.
 */
export function beginUpload(url: string, token: string, { id, bytes, contentType }: Outgoing, upTo: number) {
  const { hostname, port } = new URL(url);
  const sent = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname, () => {
    socket.write(
      [
        'POST /uploads HTTP/1.1',
        `Host: ${hostname}:${port}`,
        `Authorization: Bearer ${token}`,
        `File-Name: ${id}`,
        `Content-Type: ${contentType}`,
        `Content-Length: ${bytes.length}`,
        '',
        '',
      ].join('\r\n'),
    );
    socket.write(bytes.subarray(0, upTo), () => sent.resolve());
  });
  socket.on('error', () => sent.resolve());
  socket.on('close', () => {
    sent.resolve();
    gone.resolve();
  });
  // An answer that comes too early is not read, and must not hold the socket.
  socket.resume();
  return { sent: sent.promise, gone: gone.promise, destroy: () => socket.resetAndDestroy() };
}

export interface Row {
  id: string;
  state: string;
}

/** What the server keeps of uploads: its rows, and the names of its objects. */
export function leftOnDisk(laptop: Laptop): { rows: Row[]; objects: string[] } {
  const rows = query(laptop, 'd1', 'uploads', 'SELECT id, state FROM uploads') as unknown as Row[];
  const keys = query(laptop, 'r2', '_mf_objects', "SELECT key FROM _mf_objects WHERE key LIKE 'uploads/%'");
  return { rows, objects: keys.map(({ key }) => String(key).slice('uploads/'.length)) };
}

/** Makes every upload so much older. The server must have stopped. */
export function letPass(laptop: Laptop, ms: number): void {
  query(laptop, 'd1', 'uploads', `UPDATE uploads SET createdAt = createdAt - ${ms}`);
}

/** Runs this on the local databases that have the table. */
function query(laptop: Laptop, kind: 'd1' | 'r2', table: string, sql: string): Record<string, unknown>[] {
  const files = globSync(join(laptop.state, `v3/${kind}/**/*.sqlite`));
  if (files.length === 0) throw new Error(`no ${kind} under ${laptop.state}`);
  return files.flatMap(file => {
    const database = new DatabaseSync(file);
    const found = database.prepare('SELECT name FROM sqlite_master WHERE name = ?').all(table);
    const answer = found.length > 0 ? database.prepare(sql).all() : [];
    database.close();
    return answer;
  });
}
