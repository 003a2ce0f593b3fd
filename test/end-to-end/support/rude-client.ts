import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { until } from './until.ts';

export interface RawFrame {
  kind: 'text' | 'close' | 'other';
  /** The text, or why the socket is closed. */
  text: string;
  /** Of a close frame that has one. */
  code: number | null;
}

const KINDS: Record<number, RawFrame['kind']> = { 1: 'text', 8: 'close' };

/**
 * A WebSocket client (RFC 6455) over a bare TCP connection, which writes down every frame it gets, answers none, a
 * close least of all, and never hangs up.
 */
export class RudeClient {
  /** Of the answer to the upgrade; null until it is there. */
  status: number | null = null;
  readonly frames: RawFrame[] = [];
  /** Whether the server has cut the connection. */
  ended = false;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  constructor(url: string, token: string) {
    const { hostname, port, host } = new URL(url);
    this.#socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    this.#socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#read();
    });
    for (const event of ['end', 'close', 'error']) {
      this.#socket.on(event, () => {
        this.ended = true;
      });
    }
    this.#socket.write(
      [
        'GET /session/current/events HTTP/1.1',
        `Host: ${host}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        `Authorization: Bearer ${token}`,
        '\r\n',
      ].join('\r\n'),
    );
  }

  /** The status of the answer to the upgrade. */
  answered(): Promise<number> {
    return until('the upgrade is answered', () => this.status);
  }

  got(kind: RawFrame['kind']): Promise<RawFrame> {
    return until(`a ${kind} frame arrives`, () => this.frames.find(frame => frame.kind === kind));
  }

  /** What was heard, in short: the types of the events and the codes of the closes. */
  get heard(): (string | number | null)[] {
    return this.frames.map(({ kind, text, code }) => {
      if (kind !== 'text') return kind === 'close' ? code : kind;
      return text.startsWith('{') ? JSON.parse(text).eventType : text;
    });
  }

  /** Sends a text frame, whatever the server has said before; resolves once the system has taken it. */
  async say(text: string): Promise<void> {
    const payload = Buffer.from(text);
    const long = payload.length > 125;
    const head = Buffer.from(
      long ? [0x81, 0x80 | 126, payload.length >> 8, payload.length & 255] : [0x81, 0x80 | payload.length],
    );
    const mask = randomBytes(4);
    const masked = payload.map((byte: number, at: number) => byte ^ (mask[at % 4] ?? 0));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.write(Buffer.concat([head, mask, masked]), () => resolve());
    await promise;
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  #read(): void {
    if (this.status === null) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.status = Number(this.#received.toString('latin1', 0, end).split(' ')[1]);
      this.#received = this.#received.subarray(end + 4);
    }
    if (this.status !== 101) return;
    for (let frame = this.#nextFrame(); frame; frame = this.#nextFrame()) this.frames.push(frame);
  }

  /** The first whole frame of what has come in; null where it is not whole yet. A server masks nothing. */
  #nextFrame(): RawFrame | null {
    const bytes = this.#received;
    if (bytes.length < 2) return null;
    const short = bytes.readUInt8(1) & 127;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return null;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return null;
    const payload = bytes.subarray(start, start + length);
    this.#received = bytes.subarray(start + length);
    const kind = KINDS[bytes.readUInt8(0) & 15] ?? 'other';
    if (kind !== 'close') return { kind, text: payload.toString(), code: null };
    return { kind, text: payload.toString('utf8', 2), code: length < 2 ? null : payload.readUInt16BE(0) };
  }
}
