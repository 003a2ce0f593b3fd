import { type ClientOptions, WebSocket } from 'ws';
import { until } from './until.ts';

export interface Frame {
  sessionId: string;
  eventType: string;
  seq: number;
  at: string;
  // biome-ignore lint/suspicious/noExplicitAny: frames are asserted on, member by member
  data: any;
}

/**
 * The local runtime ends the connection some ten seconds after both ends have said goodbye: a client that has heard
 * the close frame need not wait for it.
 */
const options = { closeTimeout: 250 } as ClientOptions;

/** A member's end of the WebSocket, over the network. */
export class Ear {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', text => this.frames.push(JSON.parse(String(text))));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    // An error is always followed by a close, which is what tests wait for.
    socket.on('error', () => {});
  }

  heard(eventType: string): Promise<Frame> {
    return until(`${eventType} is heard`, () => this.frames.find(frame => frame.eventType === eventType));
  }

  hasClosed(): Promise<{ code: number; reason: string }> {
    return until('the socket closes', () => this.closed);
  }
}

const addressOf = (url: string) => `${url.replace('http', 'ws')}/session/current/events`;

/** As a program connects: the member token in a header. */
export function listen(url: string, token: string): Ear {
  return new Ear(
    new WebSocket(addressOf(url), { ...options, headers: { Authorization: `Bearer ${token}` } }),
  );
}

/** As a browser connects: it can choose subprotocols, and no headers. */
export function listenLikeABrowser(url: string, token: string): Ear {
  return new Ear(new WebSocket(addressOf(url), ['usher.v1', `bearer.${token}`], { ...options, origin: url }));
}
