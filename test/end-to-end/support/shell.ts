import { type ChildProcess, spawn } from 'node:child_process';
import { plainEnv } from './dev-server.ts';
import { until } from './until.ts';

const DONE = '--- done ---';

/** A terminal: commands are typed one after another, and what runs in the background goes on printing. */
export class Shell {
  readonly #bash: ChildProcess;
  #printed = '';

  constructor(folder: string, env: Record<string, string>) {
    this.#bash = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folder,
      env: { ...plainEnv(), ...env },
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#bash.stdout?.on('data', chunk => {
      this.#printed += chunk;
    });
    this.#bash.stdin?.write('exec 2>&1\n');
  }

  /** Types a command and gives what stands on the screen once it has ended and has printed what is expected. */
  async type(command: string, expected: RegExp): Promise<string> {
    this.#bash.stdin?.write(`${command}\nprintf '\\n${DONE}\\n'\n`);
    return this.#look(() => this.#printed.includes(DONE) && expected.test(this.#screen()));
  }

  /** Gives what came up since the last look, by itself, once it is what is expected. */
  read(expected: RegExp): Promise<string> {
    return this.#look(() => expected.test(this.#screen()));
  }

  async #look(isThere: () => boolean): Promise<string> {
    await until('what is expected stands on the screen', isThere, 10_000).catch(() => {});
    const screen = this.#screen();
    this.#printed = '';
    return screen;
  }

  close(): void {
    if (this.#bash.pid) process.kill(-this.#bash.pid, 'SIGKILL');
  }

  /** Without npm's opinions of the machine's own npm settings. */
  #screen(): string {
    const lines = this.#printed.replace(DONE, '').split('\n');
    return lines.filter(line => line.trim() !== '' && !line.startsWith('npm warn')).join('\n');
  }
}
