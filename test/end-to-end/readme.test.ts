import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeCodes } from '../../src/live-sessions/protocol.ts';
import {
  checkout,
  type DevServer,
  environmentOf,
  freePort,
  makeLaptop,
  startDevServer,
} from './support/dev-server.ts';
import { literally, patternOf, stepsOf } from './support/readme.ts';
import { Shell } from './support/shell.ts';

/** `.ci/run` names a fresh clone here, which is then used as the README says: with files and state of its own. */
const clone = process.env.USHER_README_FOLDER;
const folder = clone ?? checkout;
const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const readme = read('README.md');
const ADDRESS = 'U=http://localhost:8787';

const laptop = clone ? null : makeLaptop();
const scratch = mkdtempSync(join(tmpdir(), 'usher-readme-'));
let server: DevServer;

beforeAll(async () => {
  server = await startDevServer(await freePort(), laptop, folder);
});

afterAll(async () => {
  server?.run.signalAll('SIGINT');
  await server?.run.hasVanished();
  laptop?.discard();
  rmSync(scratch, { recursive: true, force: true });
});

const openShell = () => new Shell(folder, { TMPDIR: scratch, ...(laptop ? environmentOf(laptop) : {}) });

describe('the first success of the README', () => {
  const steps = stepsOf(readme, 'First success');
  let shell: Shell;

  beforeAll(() => {
    shell = openShell();
  });

  afterAll(() => shell?.close());

  it('is there to be tried, and ends with a kick that holds', () => {
    expect(steps[0]?.command).toContain(ADDRESS);
    expect(steps.map(step => step.shown).join('\n')).toMatch(/SessionState.*Kicked.*4403.*401.*403/s);
  });

  it.each(steps)('$said', async ({ command, shown }) => {
    const pattern = patternOf(shown);
    expect(await shell.type(command.replace(ADDRESS, `U=${server.url}`), pattern)).toMatch(pattern);
  });
});

describe('the room of the README, run from two terminals', () => {
  const steps = stepsOf(readme, 'A room from two terminals');
  const terminals: Record<string, Shell> = {};

  beforeAll(() => {
    for (const person of ['Ada', 'Bob']) terminals[person] = openShell();
  });

  afterAll(() => {
    for (const terminal of Object.values(terminals)) terminal.close();
  });

  it('shows everything a host does', () => {
    const commands = steps.map(step => step.command).join('\n');
    for (const call of [
      'PATCH',
      '/current/host',
      '/current/kick ',
      'DELETE $U/session/current/kick',
      'Range',
    ])
      expect(commands).toContain(call);
  });

  /** The first word says whose terminal it is; a step without a command is what comes up there by itself. */
  it.each(steps)('$said', async ({ said, command, shown }) => {
    const [person = ''] = said.split(' ');
    const pattern = patternOf(shown);
    const own = person === 'Both' ? Object.values(terminals) : [terminals[person]];
    for (const terminal of own) {
      const typed = command.replace(ADDRESS, `U=${server.url}`);
      expect(await (typed ? terminal?.type(typed, pattern) : terminal?.read(pattern))).toMatch(pattern);
    }
  });
});

describe('the README', () => {
  it('names the two commands that start everything', () => {
    expect(readme).toContain('```bash\nnpm ci && npm run dev\n```');
    expect(readme).toContain('```bash\nnpm ci && npm test\n```');
  });

  it('has a row for every setting', () => {
    const settings = [...read('src/config.ts').matchAll(/^ {4}([A-Z][A-Z_]+):/gm)].map(([, name]) => name);
    expect(settings.length).toBeGreaterThan(5);
    for (const name of settings) expect(readme).toMatch(new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'));
  });

  it('has a row for every close code', () => {
    for (const code of Object.values(closeCodes))
      expect(readme).toMatch(new RegExp(`^\\| .*${code}.* \\|`, 'm'));
  });

  it('has a row for every event', () => {
    const events = [...read('src/live-sessions/protocol.ts').matchAll(/^ {2}\| '(\w+)'/gm)];
    expect(events.length).toBeGreaterThan(10);
    for (const [, name] of events) expect(readme).toMatch(new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'));
  });

  it('has a row for every rule of a live session', () => {
    const [, rules = ''] = read('src/live-sessions/contract.ts').split('const rules = ');
    const names = [...(rules.split('});')[0] ?? '').matchAll(/^ {4}(\w+):/gm)];
    expect(names.length).toBeGreaterThan(5);
    for (const [, name] of names) expect(readme).toContain(`\n| \`${name}\` |`);
  });

  it('has a row for every call of live sessions, their files and wallets', () => {
    const parts = {
      liveSessionRoutes: 'live-sessions/routes',
      sessionFileRoutes: 'live-sessions/file-routes',
      walletProofRoutes: 'wallets/routes',
      ownWalletRoutes: 'wallets/routes',
    };
    for (const [name, source] of Object.entries(parts)) {
      const [, mount] = new RegExp(`\\.route\\('(.*)', ${name}\\)`).exec(read('src/app.ts')) ?? [];
      const [, routes = ''] = read(`src/${source}.ts`).split(`export const ${name} = `);
      const calls = [...(routes.split(';\n\n')[0] ?? '').matchAll(/^ {2}\.(\w+)\('([^']*)'/gm)];
      expect(calls.length).toBeGreaterThan(1);
      for (const [, method = '', path = ''] of calls) {
        const whole = `${mount}${path}`.replace(/\/$/, '').replace(/:(\w+)/g, '{$1}');
        const call = literally(`${method.toUpperCase()} ${whole}`);
        expect(readme).toMatch(new RegExp(`^\\| \`${call}(\\?.*)?\` \\|`, 'm'));
      }
    }
  });

  it('has a row for every npm script', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const name of Object.keys(scripts)) {
      expect(readme).toMatch(new RegExp(`^\\| \`npm (run |run -s )?${name}( .*)?\` \\|`, 'm'));
    }
  });
});
