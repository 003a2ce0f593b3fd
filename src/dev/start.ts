/**
 * `npm run dev`: prepares this machine and starts `wrangler dev`. It makes local secrets once, applies the migrations,
 * inserts the local keys, serves, and prints a first command to try. `-- --port N` chooses the port. Every other option
 * after `--` goes to `wrangler dev`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { unwatchFile, watchFile } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endLeftovers, keepNote } from './leftovers.ts';
import { type LocalKeys, localKeys } from './local-keys.ts';
import { passOn } from './output.ts';
import { devVarsPath, ensureDevVars, localMasterSecrets, readDevVars } from './secrets.ts';
import { welcomeText } from './welcome-text.ts';

const { values, tokens } = parseArgs({
  strict: false,
  tokens: true,
  options: {
    port: { type: 'string', default: '8787' },
    'persist-to': { type: 'string', default: '.wrangler/state' },
  },
});
const own = new Set(['port', 'persist-to']);
const forwarded = tokens.flatMap(token => {
  if (token.kind === 'positional') return [token.value];
  if (token.kind !== 'option' || own.has(token.name)) return [];
  return [token.value === undefined ? token.rawName : `${token.rawName}=${token.value}`];
});

const port = Number(values.port);
const state = String(values['persist-to']);
const devVars = devVarsPath();
const address = `http://localhost:${port}`;
const wrangler = fileURLToPath(new URL('bin/wrangler.js', import.meta.resolve('wrangler/package.json')).href);
const env = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  // Usher does not read `request.cf`. Without this, wrangler warns about it at every start without a network.
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

let running: ChildProcess | undefined;
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
stopWithParent();

process.exitCode = await main().catch((error: Error) => fail(error.message));

/** Gives the exit code. */
async function main(): Promise<number> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return fail(`--port takes a number from 1 to 65535, not "${values.port}"`);
  }
  const left = await endLeftovers(state);
  if (left > 0) console.log(`Ended ${left} processes that an earlier npm run dev left running.`);
  if (await answers(port)) {
    return fail(`Port ${port} is taken. Stop what runs there, or choose another: npm run dev -- --port 8788`);
  }
  const made = await ensureDevVars(devVars);
  if (made === 'made') console.log(`Made ${devVars} with fresh local secrets.`);
  const { keys, sql } = await localKeys(localMasterSecrets());
  const prepared =
    (await quietly('d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state)) &&
    (await quietly('d1', 'execute', 'DB', '--local', '--persist-to', state, '--command', sql));
  if (stopping) return 0;
  return prepared ? serve(keys) : 1;
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

function stop(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
  stopping = true;
  running?.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
}

/** Stops when npm stops. An editor's stop button ends only npm; then the shell between npm and us ends without a signal. */
function stopWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !stopping) stop('SIGTERM');
  }, 250).unref();
}

/** Whether another process uses the port. Asked before wrangler starts, so that its answers are not taken for ours. */
async function answers(port: number): Promise<boolean> {
  const socket = connect({ port, host: 'localhost' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Runs a wrangler command and shows its output only when it fails. Returns whether it succeeded. */
async function quietly(...args: string[]): Promise<boolean> {
  if (stopping) return false;
  const child = spawn(process.execPath, [wrangler, ...args], {
    env: { ...env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      said += chunk;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0 && !stopping) console.error(`${said}\nwrangler ${args.slice(0, 3).join(' ')} failed`);
  return code === 0;
}

async function serve(keys: LocalKeys): Promise<number> {
  const args = ['dev', '--port', String(port), '--persist-to', state, '--show-interactive-dev-session=false'];
  const settings = readDevVars(devVars);
  if (!settings.PUBLIC_URL) args.push('--var', `PUBLIC_URL:${address}`);
  const localPages = settings.ENVIRONMENT === 'development' && (settings.LOCAL_ORIGINS ?? 'on') === 'on';
  if (localPages) args.push('--var', 'LOCAL_ORIGINS:on');
  const mode =
    forwarded.findLast(arg => arg.includes('NETWORK_MODE:'))?.split(':')[1] ?? settings.NETWORK_MODE;
  // Two servers that start at one instant choose one inspector port, and end each other.
  if (!forwarded.some(arg => arg.startsWith('--inspector-port'))) args.push('--inspector-port', '0');
  args.push('--env-file', devVars, ...forwarded);
  const child = spawn(process.execPath, [wrangler, ...args], {
    env: process.stdout.isTTY ? { ...env, FORCE_COLOR: '1' } : env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  passOn(child.stdout, process.stdout);
  passOn(child.stderr, process.stderr);
  const removeNote = keepNote(state);
  watchFile(devVars, { interval: 500, persistent: false }, () =>
    console.log(`\n${devVars} has changed. Restart npm run dev, so that it counts.\n`),
  );
  const ended = new AbortController();
  void greet(welcomeText({ address, state, keys, secure: mode !== 'open', localPages }), ended.signal);
  const [code] = await once(child, 'close');
  ended.abort();
  unwatchFile(devVars);
  removeNote();
  return stopping ? 0 : (code ?? 1);
}

/** When the Worker answers: prints the first command to try, or why it does not serve. */
async function greet(text: string, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const answer = await fetch(`${address}/health`, { signal: ended }).catch(() => null);
    if (answer?.ok) return console.log(text);
    if (answer) {
      const { detail } = (await answer.json().catch(() => ({}))) as { detail?: string };
      return console.error(
        `\nUsher does not serve: ${detail ?? `its health check answers ${answer.status}`}\n`,
      );
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
