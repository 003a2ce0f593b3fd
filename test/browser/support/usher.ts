import { inject } from 'vitest';

export const usher = inject('usher');
export const keys = inject('keys');
export const system = { 'x-server-key': keys.secretKey };
/** What an app presents before anybody signs in. */
export const app = { 'x-api-key': keys.publishableKey };
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A call of the server's, as an app's own code makes it beside an SDK. The body is JSON, or else the text. */
export async function call(method: string, path: string, headers: Record<string, string>, body?: unknown) {
  const sent = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(`${usher}${path}`, {
    method,
    headers: { ...headers, ...sent },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') && text !== '';
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

export const ban = (userId: string) => call('PUT', `/v1/users/${userId}/ban`, system, { reason: 'rude' });
