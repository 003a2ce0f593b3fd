/** What people do over HTTP, against a server in another process. */
import type { LocalKeys } from '../../../src/dev/local-keys.ts';

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, member by member
  body: any;
}

export interface Call {
  token?: string;
  key?: string;
  /** A secret key. */
  serverKey?: string;
  body?: unknown;
}

export function usherAt(url: string, { publishableKey }: LocalKeys) {
  async function call(
    method: string,
    path: string,
    { token, key, serverKey, body }: Call = {},
  ): Promise<Answer> {
    const headers = new Headers();
    if (token) headers.set('authorization', `Bearer ${token}`);
    if (key) headers.set('x-api-key', key);
    if (serverKey) headers.set('x-server-key', serverKey);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  async function required(answer: Promise<Answer>): Promise<Answer['body']> {
    const { status, body } = await answer;
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }

  return {
    call,

    /** Gives the access token. */
    async signIn(userId: string): Promise<string> {
      const body = { userId, deviceId: `device of ${userId}` };
      return (await required(call('POST', '/api/v5/sessions', { key: publishableKey, body }))).accessToken;
    },

    /** Gives the session's id and the host's member token. */
    async open(token: string, rules: object): Promise<{ sessionId: string; seat: string }> {
      const created = call('POST', '/session', { key: publishableKey, token, body: { rules } });
      const { sessionId, credentials } = await required(created);
      return { sessionId, seat: credentials.token };
    },

    join: (token: string, sessionId: string, password: string) =>
      call('POST', '/session/join', { token, body: { sessionId, password } }),

    /** Joins and gives the member token. */
    async sit(token: string, sessionId: string, password: string): Promise<string> {
      const { credentials } = await required(
        call('POST', '/session/join', { token, body: { sessionId, password } }),
      );
      return credentials.token;
    },

    kick: (seat: string, userId: string, reason: string) =>
      call('POST', '/session/current/kick', { token: seat, body: { userId, reason } }),

    look: (seat: string) => call('GET', '/session/current', { token: seat }),
  };
}

export type Usher = ReturnType<typeof usherAt>;
