/**
 * `npm run bench`: measures each operation beside its floor, in one run. It starts a server of its own and deletes its
 * secrets and state afterwards. `-- --seconds N`: how long each operation is measured. `--connections N`: how many
 * clients call at once. It checks that every answer has the expected status, and asserts no time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type LocalKeys, localKeys } from '../local-keys.ts';
import { ensureDevVars, parseMasterSecrets, readDevVars } from '../secrets.ts';
import { connectTo, type Figures, type Load, measure, measureInTurn } from './load.ts';
import { GUESS, HASH, hash, operationsOf, prepareGuesses } from './operations.ts';
import { preparePeople } from './people.ts';

/** Failing sign-ins are measured so many times longer than the rest, but no longer than they stay throttled. */
const GUESSES_SHARE = 7;
const GUESSES_AT_MOST_SECONDS = 20;

const NOTES = `
Floors: "empty answer" is GET /health, with all middleware and nothing behind it. "device token" adds one signature.
"verify token" adds one signature check and one Durable Object that reads. "look up a user" adds one D1 query. "fetch
1 MB" adds one D1 query and R2. "hash" is one scrypt hash after another, in this process, at the cost of a password.
No call only writes, so an operation that writes has a floor that reads, and one with several trips has a floor with one.
The ratio compares the two rates. Client, wrangler's proxy and Worker share the processors of this machine.`;

interface Row extends Figures {
  name: string;
  floor: string | null;
}

const folder = mkdtempSync(join(tmpdir(), 'usher-bench-'));
let interrupted = false;
let server: ReturnType<typeof spawnServer> | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    server?.kill('SIGTERM');
  });
}

try {
  const load = readLoad();
  const { url, keys } = await startServer();
  const rows = await measureAll(url, keys, load);
  console.log(`${table(rows)}\n\n${compare(rows)}\n${NOTES}`);
} catch (error) {
  if (!interrupted) console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await stopServer();
  rmSync(folder, { recursive: true, force: true });
}

function readLoad(): Load {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '1' },
      connections: { type: 'string', default: '16' },
    },
  });
  const [seconds, connections] = [Number(values.seconds), Number(values.connections)];
  if (!(seconds > 0 && seconds <= 60)) throw new Error('--seconds takes a number up to 60');
  if (!(Number.isInteger(connections) && connections >= 1 && connections <= 64)) {
    throw new Error('--connections takes a number from 1 to 64');
  }
  return { seconds, connections };
}

/** `npm run dev` on a free port, with settings and state of its own. */
function spawnServer(port: number, devVars: string) {
  const start = fileURLToPath(new URL('../start.ts', import.meta.url).href);
  const args = ['--port', String(port), '--persist-to', join(folder, 'state'), '--log-level=error'];
  return spawn(process.execPath, [start, ...args], {
    env: { ...process.env, USHER_DEV_VARS: devVars },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function startServer(): Promise<{ url: string; keys: LocalKeys }> {
  const devVars = join(folder, '.dev.vars');
  await ensureDevVars(devVars);
  const { keys } = await localKeys(parseMasterSecrets(readDevVars(devVars).MASTER_SECRETS ?? ''));
  const port = await freePort();
  const { promise: serves, resolve, reject } = Promise.withResolvers<void>();
  const child = spawnServer(port, devVars);
  server = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      said += chunk;
      if (said.includes('Usher is at')) resolve();
      if (said.includes('Usher does not serve')) reject(new Error(said));
    });
  }
  child.once('close', () => reject(new Error(said)));
  await serves;
  return { url: `http://localhost:${port}`, keys };
}

async function stopServer(): Promise<void> {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGTERM');
  await once(server, 'close');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function measureAll(url: string, keys: LocalKeys, load: Load): Promise<Row[]> {
  const send = connectTo(url, load.connections);
  const people = await preparePeople(send, keys);
  const rows: Row[] = [];
  const [hashing] = await measureInTurn([hash], load.seconds);
  if (hashing) rows.push({ name: HASH, floor: null, ...hashing });
  // Now, because no other operation hashes, and the throttled user still has to wait.
  const guesses = await prepareGuesses(send, people.accounts);
  const figures = await measureInTurn(
    guesses.map(
      ({ call }) =>
        n =>
          send(call(n)),
    ),
    Math.min(load.seconds * GUESSES_SHARE, GUESSES_AT_MOST_SECONDS),
  );
  for (const [n, each] of figures.entries()) {
    rows.push({ name: guesses[n]?.name ?? '', floor: HASH, ...each });
  }
  for (const operation of operationsOf(people)) {
    const { name, floor } = operation;
    rows.push({ name, floor, ...(await measure(operation, send, load)) });
  }
  const isFloor = ({ name }: Row) => rows.some(row => row.floor === name);
  return rows.toSorted((one, other) => Number(isFloor(other)) - Number(isFloor(one)));
}

function table(rows: readonly Row[]): string {
  const rateOf = new Map(rows.map(({ name, perSecond }) => [name, perSecond]));
  const lines = rows.map(({ name, floor, count, perSecond, median, p99 }) => {
    const ratio = (perSecond / (rateOf.get(floor ?? name) ?? Number.NaN)).toFixed(2);
    const figures = [String(count), ...[perSecond, median, p99].map(figure => figure.toFixed(1)), ratio];
    return [name, ...figures, floor ?? 'itself'];
  });
  return [['operation', 'calls', 'calls/s', 'median ms', 'p99 ms', 'ratio', 'to its floor'], ...lines]
    .map(([name = '', ...columns]) => {
      const floor = columns.pop();
      return `${name.padEnd(24)}${columns.map(column => column.padStart(11)).join('')}  ${floor}`;
    })
    .join('\n');
}

/** The times of failing log-ins. Medians that are far apart would tell an attacker which failure it was. */
function compare(rows: readonly Row[]): string {
  const guesses = rows.filter(({ name }) => name.startsWith(GUESS));
  const first = guesses[0]?.median ?? Number.NaN;
  const each = guesses.map(
    ({ name, median }) =>
      `${name.slice(GUESS.length)} ${median.toFixed(1)} ms (${(median / first).toFixed(2)})`,
  );
  return `Medians of failing log-ins, in turn and one at a time: ${each.join(', ')}`;
}
