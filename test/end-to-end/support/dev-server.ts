/** The main job, run as its user runs it: `npm run dev` as a process tree of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalKeys } from '../../../src/dev/local-keys.ts';
import { until } from './until.ts';

export const checkout = fileURLToPath(new URL('../../..', import.meta.url).href);

/** Secrets and state of one laptop, far from the developer's own. */
export interface Laptop {
  devVars: string;
  state: string;
  discard: () => void;
}

export function makeLaptop(): Laptop {
  const folder = mkdtempSync(join(tmpdir(), 'usher-laptop-'));
  return {
    devVars: join(folder, '.dev.vars'),
    state: join(folder, 'state'),
    discard: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Below the ports that systems give out by themselves: a server needs seconds to listen, and others take those meanwhile. */
const [LOWEST_PORT, PORTS] = [10_000, 20_000];

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    const free = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false));
      server.listen(port, 'localhost', () => resolve(true));
    });
    if (!free) continue;
    await new Promise(resolve => server.close(resolve));
    return port;
  }
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunOptions {
  /** Folder of the checkout whose script runs. */
  folder?: string | undefined;
  env?: Record<string, string>;
}

/** Nothing started here outlives the tests. */
const running = new Set<NpmRun>();
process.once('exit', () => {
  for (const run of running) run.signalAll('SIGKILL');
});

/** An npm script as a process group of its own. */
export class NpmRun {
  readonly exit: Promise<Exit>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  constructor(args: string[], { folder = checkout, env = {} }: RunOptions = {}) {
    this.#child = spawn('npm', ['run', ...args], {
      cwd: folder,
      env: { ...plainEnv(), ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', chunk => {
      this.stdout += chunk;
    });
    this.#child.stderr?.on('data', chunk => {
      this.stderr += chunk;
    });
    this.exit = new Promise(resolve => {
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
    });
    running.add(this);
    void this.exit.then(() => running.delete(this));
  }

  /** What it started and what still runs, a line each; a process that is dead and not yet reaped does not run. */
  processes(): string[] {
    const list = execFileSync('ps', ['-A', '-o', 'pgid=,stat=,pid=,command='], { encoding: 'utf8' });
    return list
      .split('\n')
      .map(line => line.trim().split(/\s+/))
      .filter(([group, stat]) => Number(group) === this.#child.pid && !stat?.startsWith('Z'))
      .map(([, , ...rest]) => rest.join(' '));
  }

  /** As a terminal does with Ctrl-C: the signal goes to npm and to everything below it. */
  signalAll(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.#child.pid ?? Number.NaN), signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  signalNpmAlone(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async hasVanished(): Promise<void> {
    await until('every process is gone', () => this.processes().length === 0).catch(error => {
      throw new Error(`${error.message}: ${this.processes().join('\n')}`);
    });
  }
}

/** Runs an npm script to its end. */
export async function npmRun(args: string[], options: RunOptions = {}) {
  const run = new NpmRun(args, options);
  const { code } = await run.exit;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

export interface DevServer {
  url: string;
  run: NpmRun;
}

/** `npm run dev` on this port, once it says that it serves. Without a laptop it uses the checkout's own files. */
export async function startDevServer(
  port: number,
  laptop: Laptop | null,
  folder?: string,
): Promise<DevServer> {
  const run = spawnDevServer(port, laptop, folder);
  const url = `http://localhost:${port}`;
  let over = false;
  void run.exit.then(() => {
    over = true;
  });
  try {
    await until('npm run dev serves', () => over || run.stdout.includes(`Usher is at ${url}`), 60_000);
    if (over) throw new Error('npm run dev ended before it served');
  } catch (error) {
    run.signalAll('SIGKILL');
    throw new Error(`${(error as Error).message}\n${run.stdout}\n${run.stderr}`);
  }
  return { url, run };
}

/** `npm run dev`, not waited for. */
export function spawnDevServer(port: number, laptop: Laptop | null, folder?: string): NpmRun {
  const args = ['dev', '--', '--port', String(port)];
  if (!laptop) return new NpmRun(args, { folder });
  // Several of these run at once: each debugger takes a port of its own.
  const apart = ['--persist-to', laptop.state, '--inspector-port', '0'];
  return new NpmRun([...args, ...apart], { folder, env: environmentOf(laptop) });
}

/** The keys of a laptop, as `npm run -s keys` prints them. */
export async function keysOf(laptop: Laptop): Promise<LocalKeys> {
  const { stdout } = await npmRun(['-s', 'keys'], { env: environmentOf(laptop) });
  return JSON.parse(stdout);
}

export const environmentOf = ({ devVars }: Laptop) => ({ USHER_DEV_VARS: devVars });

/** The environment of a terminal: without what npm and the test runner tell their own children. */
export function plainEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(VITEST|VITE_|TEST$|NODE_ENV$|NODE_OPTIONS$|npm_|USHER_)/.test(name)) delete env[name];
  }
  const folders = env.PATH?.split(delimiter).filter(folder => !folder.includes('node_modules')) ?? [];
  return { ...env, PATH: folders.join(delimiter) };
}
