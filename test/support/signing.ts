import { exports } from 'cloudflare:workers';
import { createHash, createHmac } from 'node:crypto';
import { keys, ORIGIN } from './client.ts';

/** A request as it is signed, and how it is sent. */
export interface Signing {
  method: string;
  path: string;
  body?: string;
  contentType?: string | null;
  date?: string;
  nonce?: string;
  accessKey?: string;
  accessSecret?: string;
  /** What is sent otherwise than it was signed. */
  sent?: { method?: string; path?: string; body?: string; headers?: Record<string, string | null> };
}

/** Sends a request signed with nothing but node:crypto, as the documents say. */
export async function signed(
  signing: Signing,
): Promise<{ status: number; code: string | undefined; body: string }> {
  const { method, path, body = '', sent = {} } = signing;
  const { accessKey = keys.accessKey, accessSecret = keys.accessSecret } = signing;
  const contentType =
    signing.contentType === undefined && body !== '' ? 'application/json' : signing.contentType;
  const { date = new Date().toUTCString(), nonce = crypto.randomUUID() } = signing;
  const md5 = createHash('md5').update(body).digest('base64');
  const text = [method, contentType ?? 'null', md5, date, path.split('?')[0], nonce].join('\n');
  const digest = createHmac('sha1', Buffer.from(accessSecret, 'base64')).update(text).digest('base64');
  const headers = new Headers({
    'X-Mitter-Application-Access-Key': accessKey,
    Date: date,
    Nonce: nonce,
    'Content-MD5': md5,
    Authorization: `Auth ${accessKey}:${digest}`,
  });
  if (contentType) headers.set('Content-Type', contentType);
  for (const [name, value] of Object.entries(sent.headers ?? {})) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  const wire = sent.body ?? body;
  const init: RequestInit = { method: sent.method ?? method, headers };
  if (wire !== '') init.body = new TextEncoder().encode(wire);
  const response = await exports.default.fetch(new Request(`${ORIGIN}${sent.path ?? path}`, init));
  const answer = await response.text();
  return {
    status: response.status,
    code: answer.startsWith('{') ? JSON.parse(answer).code : undefined,
    body: answer,
  };
}
