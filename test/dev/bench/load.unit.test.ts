import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectTo, measure, measureInTurn, type Operation } from '../../../src/dev/bench/load.ts';

const seen: { origin: unknown; body: string }[] = [];
let inFlight = 0;
let mostInFlight = 0;

const server = createServer((incoming, answer) => {
  inFlight += 1;
  mostInFlight = Math.max(mostInFlight, inFlight);
  let body = '';
  incoming.on('data', chunk => {
    body += chunk;
  });
  incoming.on('end', () => {
    seen.push({ origin: incoming.headers['cf-connecting-ip'], body });
    // Long enough for the others to come in as well.
    setTimeout(() => {
      inFlight -= 1;
      answer.writeHead(incoming.url === '/broken' ? 500 : 200, { 'content-type': 'application/json' });
      answer.end(JSON.stringify({ said: incoming.url }));
    }, 5);
  });
});

let url: string;

beforeAll(async () => {
  await once(server.listen(0, 'localhost'), 'listening');
  url = `http://localhost:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const load = { seconds: 0.02, connections: 6 };

describe('a measured operation', () => {
  it('has figures, and is called by as many clients as asked', async () => {
    function* calls() {
      for (;;) yield { path: '/' };
    }
    mostInFlight = 0;
    const figures = await measure({ name: 'any', floor: null, calls }, connectTo(url, 6), load);
    expect(figures.count).toBeGreaterThanOrEqual(6);
    expect(figures.perSecond).toBeGreaterThan(0);
    expect(figures.median).toBeGreaterThan(0);
    expect(figures.p99).toBeGreaterThanOrEqual(figures.median);
    expect(mostInFlight).toBeGreaterThan(1);
    expect(mostInFlight).toBeLessThanOrEqual(6);
  });

  it('prepares calls again when they are used up, and sends each of them once', async () => {
    let made = 0;
    const batch = () => Array.from({ length: 5 }, () => ({ path: '/', body: made++ }));
    const operation: Operation = { name: 'any', floor: null, calls: batch };
    seen.length = 0;
    const { count } = await measure(operation, connectTo(url, 6), load);
    const bodies = seen.map(({ body }) => body);
    expect(new Set(bodies).size).toBe(bodies.length);
    expect(count).toBeGreaterThan(5);
  });

  it('comes to nothing once an answer is not the expected one', async () => {
    const calls = () => [{ path: '/' }, { path: '/broken' }];
    const measured = measure({ name: 'any', floor: null, calls }, connectTo(url, 6), load);
    await expect(measured).rejects.toThrow('GET /broken: 500 {"said":"/broken"}');
  });
});

describe('calls', () => {
  it('come from an address each, unless they say which', async () => {
    const send = connectTo(url, 1);
    seen.length = 0;
    for (const address of [undefined, undefined, '10.9.9.9']) {
      await send({ path: '/', ...(address === undefined ? {} : { address }) });
    }
    const [one, another, said] = seen.map(({ origin }) => origin);
    expect(one).not.toBe(another);
    expect(said).toBe('10.9.9.9');
  });

  it('tell what they heard', async () => {
    const heard: unknown[] = [];
    await connectTo(url, 1)({ path: '/there', heard: answer => heard.push(answer) });
    expect(heard).toEqual([{ said: '/there' }]);
  });
});

it('measures in turn, one at a time', async () => {
  const order: string[] = [];
  const work = (name: string) => async (n: number) => {
    order.push(`${name}${n}`);
    await new Promise(resolve => setImmediate(resolve));
    order.push(`${name}${n} done`);
  };
  const [a, b] = await measureInTurn([work('a'), work('b')], 0.01);
  expect(order.slice(0, 6)).toEqual(['a0', 'a0 done', 'b0', 'b0 done', 'a1', 'a1 done']);
  expect(a?.count).toBe(b?.count);
});
