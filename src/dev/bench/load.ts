/** Sends calls over connections that are kept, as many at once as asked, and says how long they took. */
import { Agent, type IncomingMessage, request } from 'node:http';

/** One request. A body is sent as JSON, bytes as they are. */
export interface Call {
  path: string;
  /** `POST` where there is a body, else `GET`. */
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Where it comes from; else each call comes from another address than the one before. */
  address?: string;
  /** The only status that is no failure, 200 where nothing is said. */
  expected?: number;
  /** Is told the answer, once its time is taken. */
  heard?: (answer: unknown) => void;
}

export interface Operation {
  name: string;
  /** The name of the operation that does a part of what this one has to; null: there is nothing less. */
  floor: string | null;
  /** Calls of it: without end, or as many as it has prepared. What it does to prepare them takes no time of theirs. */
  calls: () => Iterable<Call> | Promise<Iterable<Call>>;
}

/** Times in ms. */
export interface Figures {
  /** How many were measured: of fewer than a hundred, the 99th percentile is the longest. */
  count: number;
  perSecond: number;
  median: number;
  p99: number;
}

/** Sends a call; gives the answer and the ms until its last byte. Throws on a status that is not expected. */
export type Send = <T>(call: Call) => Promise<{ answer: T; ms: number }>;

/** So many addresses that no shield counts one of them to its limit. */
const ADDRESSES = 4096;

/** At most so many calls at once while nothing is measured yet: enough for the code to be compiled. */
const WARM_UP_CONNECTIONS = 4;
const WARM_UP_SHARE = 0.2;

/** Calls to the server at `url`, over at most so many connections at once. */
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

/** The figures of an operation that so many clients call without a pause, after a short while that does not count. */
export async function measure(operation: Operation, send: Send, load: Load): Promise<Figures> {
  const supply = new Supply(operation);
  const connections = Math.min(load.connections, WARM_UP_CONNECTIONS);
  await run(supply, send, { seconds: load.seconds * WARM_UP_SHARE, connections });
  const { times, spentMs } = await run(supply, send, load);
  return figuresOf(times, spentMs);
}

/** Calls of an operation, as many as are wanted. */
class Supply {
  readonly #operation: Operation;
  #prepared: Iterator<Call> | null = null;

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  /** Sees to it that there are some. */
  async fill(): Promise<void> {
    this.#prepared ??= (await this.#operation.calls())[Symbol.iterator]();
  }

  /** Null once there are none left. */
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

/** The figures of each of these, done `n` times already, in turn and one at a time: what disturbs one of them disturbs all. */
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
