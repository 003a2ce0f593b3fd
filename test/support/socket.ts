import { exports } from 'cloudflare:workers';
import { ORIGIN } from './client.ts';

export interface Frame {
  sessionId: string;
  eventType: string;
  seq: number;
  at: string;
  // biome-ignore lint/suspicious/noExplicitAny: frames are asserted on, member by member
  data: any;
}

/** A member's end of the WebSocket of a live session: everything it heard, and conditions to wait for. */
export class Listener {
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  readonly socket: WebSocket;
  readonly response: Response;
  closed: { code: number; reason: string } | null = null;
  #wakers = new Set<() => void>();

  constructor(response: Response) {
    const { webSocket } = response;
    if (!webSocket) throw new Error(`no WebSocket: ${response.status}`);
    this.response = response;
    this.socket = webSocket;
    webSocket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string' && data.startsWith('{')) this.frames.push(JSON.parse(data));
      else this.texts.push(String(data));
      this.#wake();
    });
    webSocket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wake();
    });
    webSocket.accept();
  }

  types(): string[] {
    return this.frames.map(frame => frame.eventType);
  }

  /** Resolves with the first frame of this type, heard already or still to come. */
  async heard(eventType: string): Promise<Frame> {
    return this.until(() => this.frames.find(frame => frame.eventType === eventType));
  }

  async hasClosed(): Promise<{ code: number; reason: string }> {
    return this.until(() => this.closed);
  }

  /** Resolves as soon as the condition gives something; the test's own timeout is the only clock. */
  async until<T>(condition: () => T | null | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value) return value;
      await new Promise<void>(resolve => {
        this.#wakers.add(resolve);
      });
    }
  }

  #wake(): void {
    for (const waker of this.#wakers) waker();
    this.#wakers.clear();
  }
}

/** The raw answer to an upgrade request. */
export function upgrade(
  headers: Record<string, string>,
  path = '/session/current/events',
): Promise<Response> {
  return exports.default.fetch(
    new Request(`${ORIGIN}${path}`, { headers: { Upgrade: 'websocket', ...headers } }),
  );
}

/** Opens the WebSocket with a member token and waits for nothing. */
export async function listen(token: string, headers: Record<string, string> = {}): Promise<Listener> {
  return new Listener(await upgrade({ Authorization: `Bearer ${token}`, ...headers }));
}
