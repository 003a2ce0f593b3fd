import { readFileSync } from 'node:fs';
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
import { patternOf, stepsOf } from './support/readme.ts';
import { Shell } from './support/shell.ts';

/** `.ci/run` names a fresh clone here, which is then used as the README says: with files and state of its own. */
const clone = process.env.USHER_README_FOLDER;
const folder = clone ?? checkout;
const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const readme = read('README.md');
const ADDRESS = 'U=http://localhost:8787';

describe('the first success of the README', () => {
  const laptop = clone ? null : makeLaptop();
  const steps = stepsOf(readme, 'First success');
  let server: DevServer;
  let shell: Shell;

  beforeAll(async () => {
    server = await startDevServer(await freePort(), laptop, folder);
    shell = new Shell(folder, laptop ? environmentOf(laptop) : {});
  });

  afterAll(async () => {
    shell?.close();
    server?.run.signalAll('SIGINT');
    await server?.run.hasVanished();
    laptop?.discard();
  });

  it('is there to be tried, and ends with a kick that holds', () => {
    expect(steps[0]?.command).toContain(ADDRESS);
    expect(steps.map(step => step.shown).join('\n')).toMatch(/SessionState.*Kicked.*4403.*401.*403/s);
  });

  it.each(steps)('$said', async ({ command, shown }) => {
    const pattern = patternOf(shown);
    expect(await shell.type(command.replace(ADDRESS, `U=${server.url}`), pattern)).toMatch(pattern);
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

  it('has a row for every npm script', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const name of Object.keys(scripts)) {
      expect(readme).toMatch(new RegExp(`^\\| \`npm (run |run -s )?${name}( .*)?\` \\|`, 'm'));
    }
  });
});
