/** Sends calls over kept connections, at most so many at once, and measures how long they take. */
import { Agent, type IncomingMessage, request } from 'node:http';

/** One request. Bytes are sent as they are, every other body as JSON. */
export interface Call {
  path: string;
  /** `POST` where there is a body, else `GET`. */
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** The client's address. Without one, each call has another address than the call before. */
  address?: string;
  /** Every other status is a failure. Default: 200. */
  expected?: number;
  /** Gets the answer, after its time was taken. */
  heard?: (answer: unknown) => void;
}

export interface Operation {
  name: string;
  /** The name of an operation that does a part of the same work; null where there is none. */
  floor: string | null;
  /** Calls of it: without end, or as many as it has prepared. The time to prepare them is not measured. */
  calls: () => Iterable<Call> | Promise<Iterable<Call>>;
}

/** Times in ms. */
export interface Figures {
  /** How many calls were measured. Of fewer than a hundred, the 99th percentile is the longest. */
  count: number;
  perSecond: number;
  median: number;
  p99: number;
}

/** Sends a call. Returns the answer and the ms until its last byte. Throws on an unexpected status. */
export type Send = <T>(call: Call) => Promise<{ answer: T; ms: number }>;

/** Enough addresses to keep each below its rate limit. */
const ADDRESSES = 4096;

/** At most so many calls at once while nothing is measured yet: enough for the code to be compiled. */
const WARM_UP_CONNECTIONS = 4;
const WARM_UP_SHARE = 0.2;

/** Makes the function that calls the server at `url`, over at most so many connections at once. */
export function connectTo(url: string, connections: number): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let sent = 0;
  return async ({ path, method, headers, body, address, expected = 200, heard }) => {
    sent += 1;
    const origin = address ?? `10.0.${(sent >> 8) % (ADDRESSES >> 8)}.${sent & 255}`;
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const startedAt = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const chunks: Buffer[] = [];
    const outgoing = request(`${url}${path}`, {
      agent,
      method: method ?? (bytes ? 'POST' : 'GET'),
      headers: {
        'cf-connecting-ip': origin,
        ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }),
        ...headers,
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', incoming => {
      incoming.on('data', chunk => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve(incoming));
    });
    outgoing.end(bytes);
    const { statusCode, headers: said } = await promise;
    const ms = performance.now() - startedAt;
    const text = () => Buffer.concat(chunks).toString();
    if (statusCode !== expected) throw new Error(`${outgoing.method} ${path}: ${statusCode} ${text()}`);
    const answer = said['content-type']?.startsWith('application/json') ? JSON.parse(text()) : null;
    heard?.(answer);
    return { answer, ms };
  };
}

export interface Load {
  seconds: number;
  connections: number;
}

/** The figures of an operation that so many clients call without a pause, after a warm-up that does not count. */
export async function measure(operation: Operation, send: Send, load: Load): Promise<Figures> {
  const supply = new Supply(operation);
  const connections = Math.min(load.connections, WARM_UP_CONNECTIONS);
  await run(supply, send, { seconds: load.seconds * WARM_UP_SHARE, connections });
  const { times, spentMs } = await run(supply, send, load);
  return figuresOf(times, spentMs);
}

/** The calls of an operation, prepared again when they run out. */
class Supply {
  readonly #operation: Operation;
  #prepared: Iterator<Call> | null = null;

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  /** Prepares calls where none are left. */
  async fill(): Promise<void> {
    this.#prepared ??= (await this.#operation.calls())[Symbol.iterator]();
  }

  /** Null when none are left. */
  next(): Call | null {
    const { value, done } = this.#prepared?.next() ?? { done: true };
    if (!done) return value;
    this.#prepared = null;
    return null;
  }
}

async function run(supply: Supply, send: Send, { seconds, connections }: Load) {
  const times: number[] = [];
  let spentMs = 0;
  do {
    await supply.fill();
    const startedAt = performance.now();
    const deadline = startedAt + seconds * 1000 - spentMs;
    const client = async () => {
      do {
        const call = supply.next();
        if (!call) return;
        times.push((await send(call)).ms);
      } while (performance.now() < deadline);
    };
    await Promise.all(Array.from({ length: connections }, client));
    spentMs += performance.now() - startedAt;
  } while (spentMs < seconds * 1000);
  return { times, spentMs };
}

/** The figures of each of these, called in turn, so that a disturbance reaches all of them. `n`: its calls so far. */
export async function measureInTurn(
  works: readonly ((n: number) => Promise<unknown>)[],
  seconds: number,
): Promise<Figures[]> {
  const deadline = performance.now() + seconds * 1000;
  const timed = works.map(work => ({ work, times: [] as number[] }));
  do {
    for (const { work, times } of timed) {
      const startedAt = performance.now();
      await work(times.length);
      times.push(performance.now() - startedAt);
    }
  } while (performance.now() < deadline);
  return timed.map(({ times }) =>
    figuresOf(
      times,
      times.reduce((sum, ms) => sum + ms, 0),
    ),
  );
}

function figuresOf(times: readonly number[], spentMs: number): Figures {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { count: times.length, perSecond: (times.length / spentMs) * 1000, median: at(0.5), p99: at(0.99) };
}
