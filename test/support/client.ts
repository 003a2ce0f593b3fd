import { env, exports } from 'cloudflare:workers';
import { parseRing } from '../../src/config.ts';
import { localKeys } from '../../src/dev/local-keys.ts';

const ring = parseRing(env.MASTER_SECRETS, {
  addIssue: issue => {
    throw new Error(JSON.stringify(issue));
  },
});
const local = await localKeys(ring);
await env.DB.exec(local.sql);

/** The keys of this deployment, their rows in place. */
export const { keys } = local;

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, member by member
  body: any;
}

export interface Call {
  token?: string | undefined;
  key?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

export const ORIGIN = 'http://localhost:8787';

/** One request; a `body` that is a string, bytes or a stream is sent as it is. */
export function requestOf(method: string, path: string, options: Call): Request {
  const headers = new Headers(options.headers);
  if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
  if (options.key !== undefined) headers.set('x-api-key', options.key);
  const init: RequestInit = { method, headers };
  if (options.body !== undefined) {
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    const raw =
      typeof options.body === 'string' ||
      options.body instanceof Uint8Array ||
      options.body instanceof ReadableStream;
    init.body = (raw ? options.body : JSON.stringify(options.body)) as BodyInit;
  }
  return new Request(`${ORIGIN}${path}`, init);
}

/** What a response says, its body read. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** One request to the Worker in the real runtime. */
export async function call(method: string, path: string, options: Call = {}): Promise<Answer> {
  return answerOf(await exports.default.fetch(requestOf(method, path, options)));
}

export interface SignedIn {
  uid: number;
  userId: string;
  accessToken: string;
  refreshToken: string;
  sid: string;
}

/** Signs a user in on a device of its own (SDK). */
export async function signIn(userId: string, deviceId = `device-${crypto.randomUUID()}`): Promise<SignedIn> {
  const { status, body } = await call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId },
  });
  if (status !== 200) throw new Error(`sign-in of ${userId}: ${status} ${JSON.stringify(body)}`);
  const { accessToken, refreshToken, users } = body;
  return {
    uid: Number(users[0]._id),
    userId,
    accessToken,
    refreshToken,
    sid: claimsOf(accessToken).sid as string,
  };
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')));
}

export interface Room {
  sessionId: string;
  /** Member token of the host. */
  token: string;
}

/** Opens a live session with this user as the host. */
export async function openRoom(host: SignedIn, rules: Record<string, unknown> = {}): Promise<Room> {
  const { status, body } = await call('POST', '/session', {
    key: keys.publishableKey,
    token: host.accessToken,
    body: { rules },
  });
  if (status !== 200) throw new Error(`create: ${status} ${JSON.stringify(body)}`);
  return { sessionId: body.sessionId, token: body.credentials.token };
}

export function join(
  user: Pick<SignedIn, 'accessToken'>,
  sessionId: string,
  extra: Record<string, unknown> = {},
): Promise<Answer> {
  return call('POST', '/session/join', { token: user.accessToken, body: { sessionId, ...extra } });
}

/** Joins and gives the member token. */
export async function joinAs(
  user: SignedIn,
  room: Room,
  extra: Record<string, unknown> = {},
): Promise<string> {
  const { status, body } = await join(user, room.sessionId, extra);
  if (status !== 200) throw new Error(`join of ${user.userId}: ${status} ${JSON.stringify(body)}`);
  return body.credentials.token;
}

/** An address of its own for every call: what is tested is not how many of them one address may make. */
export const elsewhere = (): Record<string, string> => {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return { 'cf-connecting-ip': `10.${a}.${b}.${c}` };
};

/** The storage trips a response reports: `[D1, objects]`. */
export function trips({ headers }: Answer): [number, number] {
  const timing = headers.get('server-timing') ?? '';
  const count = (name: string) => Number(new RegExp(`${name};desc="(\\d+)"`).exec(timing)?.[1] ?? Number.NaN);
  return [count('d1'), count('do')];
}
