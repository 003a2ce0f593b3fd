import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { closeCodes } from '../../src/live-sessions/protocol.ts';
import {
  checkout,
  type DevServer,
  environmentOf,
  freePort,
  makeLaptop,
  startDevServer,
} from './support/dev-server.ts';
import { patternOf, type Step, stepsOf } from './support/readme.ts';
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

/** Types a section's commands one after another into one terminal. */
function itRuns(steps: Step[]) {
  let shell: Shell;

  beforeAll(() => {
    shell = openShell();
  });

  afterAll(() => shell?.close());

  it.each(steps)('$said', async ({ command, shown }) => {
    const pattern = patternOf(shown);
    expect(await shell.type(command.replace(ADDRESS, `U=${server.url}`), pattern)).toMatch(pattern);
  });
}

describe('the first success of the README', () => {
  const steps = stepsOf(readme, 'First success');

  it('is there to be tried, and ends with a kick that holds', () => {
    expect(steps[0]?.command).toContain(ADDRESS);
    expect(steps.map(step => step.shown).join('\n')).toMatch(/SessionState.*Kicked.*4403.*401.*403/s);
  });

  itRuns(steps);
});

describe('the account of the README, from first to last', () => {
  const steps = stepsOf(readme, 'An account, from first to last');

  it('shows everything an account is for, and ends with nothing of it', () => {
    expect(steps[0]?.command).toContain(ADDRESS);
    const commands = steps.map(step => step.command).join('\n');
    for (const call of [
      'curl -s $U/users ',
      '/users/login',
      'PUT $U/users/me ',
      '/setAccountKey',
      '$U/uploads ',
      '/me/photos',
      '/users?s=',
      '/changePassword',
      '/me/logout',
      '/resetPassword',
      'DELETE $U/users/me ',
    ])
      expect(commands).toContain(call);
    expect(steps.map(step => step.shown).join('\n')).toMatch(/countess.*session_ended.*^\[\]$.*^404 .*401/ms);
  });

  itRuns(steps);
});

describe('the user of the README, as a server keeps them', () => {
  const steps = stepsOf(readme, 'A user, as your server keeps them');

  it('shows everything a server does for a user, and ends with nothing of them', () => {
    expect(steps[0]?.command).toContain(ADDRESS);
    const commands = steps.map(step => step.command).join('\n');
    for (const call of [
      '"userLocators"',
      '/users?locators=',
      '/attribute-def/users ',
      '/profile/',
      '/tokens -d',
      '/presence -d',
      'PUT $U/v1/users/$WHO/tokens/',
      '.logoutUrl',
      'DELETE $U/v1/users/$WHO',
    ])
      expect(commands).toContain(call);
    expect(steps.map(step => step.shown).join('\n')).toMatch(
      /example\.com.*"motto".*signedToken.*Online.*"type":"Offline".*session_ended.*session_ended.*^\[\]$/ms,
    );
  });

  itRuns(steps);
});

describe('the signed request of the README', () => {
  const steps = stepsOf(readme, 'Signed requests');

  it('is there to be tried, and is let in', () => {
    expect(steps[0]?.command).toContain(ADDRESS);
    expect(steps[0]?.shown).toContain('"systemUser":true');
  });

  itRuns(steps);
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
    const [, rest = ''] = read('src/live-sessions/protocol.ts').split('export interface FrameData {');
    const events = [...(rest.split('\n}')[0] ?? '').matchAll(/^ {2}(\w+): /gm)];
    expect(events.length).toBeGreaterThan(10);
    for (const [, name] of events) expect(readme).toMatch(new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'));
  });

  it('has a row for every rule of a live session', () => {
    const [, rules = ''] = read('src/live-sessions/contract.ts').split('const rules = ');
    const names = [...(rules.split('});')[0] ?? '').matchAll(/^ {4}(\w+):/gm)];
    expect(names.length).toBeGreaterThan(5);
    for (const [, name] of names) expect(readme).toContain(`\n| \`${name}\` |`);
  });

  it('has a row for every call, and no row for a call that is gone', () => {
    const served = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => {
        const shown = path.replace(/(.)\/$/, '$1').replace(/:(\w+)(\{.*?\})?/g, '{$1}');
        return `${method} ${shown.replace(/^\/api\/v\d\//, '/api/{v}/')}`;
      });
    const told = [...readme.matchAll(/^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`?]+)(?:\?[^`]*)?` \|/gm)];
    const calls = new Set(told.map(([, call = '']) => call.replace(/([^ ])\/$/, '$1')));
    expect(served.length).toBeGreaterThan(80);
    expect([...new Set(served)].filter(call => !calls.has(call))).toEqual([]);
    const isServed = (call: string) =>
      served.includes(call) || served.includes(call.replace('/users/me/', '/users/{userId}/'));
    expect([...calls].filter(call => !isServed(call))).toEqual([]);
  });

  it('takes everything of the search index off before an export', () => {
    const made = [...read('migrations/0005_search.sql').matchAll(/^CREATE (?:VIRTUAL )?(\w+ )`(\w+)`/gm)];
    expect(made.length).toBeGreaterThan(4);
    for (const [, kind = '', name = ''] of made) expect(readme).toContain(`DROP ${kind}${name}`);
  });

  it('has a row for every npm script', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const name of Object.keys(scripts)) {
      expect(readme).toMatch(new RegExp(`^\\| \`npm (run |run -s )?${name}( .*)?\` \\|`, 'm'));
    }
  });
});
