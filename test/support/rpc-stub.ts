/**
 * An Ethereum RPC server for the tests in workerd, and the end of the world for every other request they let out.
 * How it answers is the first part of its path; a second part names the test. What was asked, and who strayed
 * elsewhere, can be read at `/log/<test>` and `/strays`.
 */
const HOST = 'rpc.test';

type Answerer = (method: string) => Response | Promise<Response>;

const result = (value: unknown): Response => Response.json({ jsonrpc: '2.0', id: 1, result: value });
const word = (value: number) => `0x${value.toString(16).padStart(64, '0')}`;
const verdict =
  (value: unknown, chain = '0x1'): Answerer =>
  method =>
    result(method === 'eth_chainId' ? chain : value);

const answerers: Record<string, Answerer> = {
  accepts: verdict(word(1)),
  'accepts-short': verdict('0x01'),
  refuses: verdict(word(0)),
  'other-chain': verdict(word(1), '0x5'),
  'says-two': verdict(word(2)),
  'says-much': verdict(`${word(1)}00`),
  'says-nothing': verdict(undefined),
  'says-true': verdict(true),
  reverts: () => Response.json({ jsonrpc: '2.0', id: 1, error: { code: 3, message: 'execution reverted' } }),
  fails: () => Response.json({ jsonrpc: '2.0', id: 1, result: word(1) }, { status: 500 }),
  'no-json': () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
  null: () => Response.json(null),
  redirects: () => Response.redirect('http://elsewhere.test/', 307),
  hangs: () => new Promise(() => {}),
  'hangs-halfway': () =>
    new Response(new ReadableStream({ start: stream => stream.enqueue(new Uint8Array([123])) })),
};

const logs = new Map<string, unknown[]>();
const strays: string[] = [];

export async function rpcStub(request: Request): Promise<Response> {
  const { host, pathname } = new URL(request.url);
  if (host !== HOST) {
    strays.push(request.url);
    return new Response(null, { status: 599 });
  }
  const [, manner = '', test = ''] = pathname.split('/');
  if (manner === 'strays') return Response.json(strays);
  if (manner === 'log') return Response.json(logs.get(test) ?? []);
  const asked = (await request.json()) as { method: string };
  logs.set(test, [...(logs.get(test) ?? []), asked]);
  return answerers[manner]?.(asked.method) ?? new Response(null, { status: 404 });
}
