import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NpmRun } from './support/dev-server.ts';
import { until } from './support/until.ts';

const FLOORS = ['empty answer', 'verify token', 'look up a user', 'fetch 1 MB', 'hash'];
const GUESSES = ['unknown user', 'wrong password', 'throttled'];
const OPERATIONS = [
  'device token',
  'sign in, known user',
  'sign in, new user',
  'refresh',
  'log in',
  'register',
  'who am I',
  'search',
  'create live session',
  'join',
  'look at live session',
  'kick',
  'presence heartbeat',
  'directory read by key',
  'upload 1 MB',
];

const scratch = mkdtempSync(join(tmpdir(), 'usher-bench-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const left = () => readdirSync(scratch).filter(name => name.startsWith('usher-bench-'));
const bench = (...args: string[]) => new NpmRun(['-s', 'bench', '--', ...args], { env: { TMPDIR: scratch } });

describe('the bench', () => {
  it('measures every operation beside its floor, and failing log-ins side by side (S21), with no unexpected answer', async () => {
    const run = bench('--seconds', '0.05', '--connections', '4');
    const { code } = await run.exit;
    expect({ code, said: code === 0 ? '' : run.stderr }).toEqual({ code: 0, said: '' });

    const rows = new Map(
      run.stdout.split('\n').map(line => {
        const [name = '', ...figures] = line.split(/ {2,}/);
        return [name, figures] as const;
      }),
    );
    for (const name of [...FLOORS, ...OPERATIONS, ...GUESSES.map(guess => `log in, ${guess}`)]) {
      const [count, ...figures] = rows.get(name) ?? [];
      const floor = figures.pop() ?? '';
      expect(Number(count), name).toBeGreaterThan(0);
      expect(figures, name).toHaveLength(4);
      for (const figure of figures) expect(Number(figure), name).toBeGreaterThan(0);
      expect(['itself', ...FLOORS], name).toContain(floor);
    }
    const [medians = ''] = /^Medians of failing log-ins.*$/m.exec(run.stdout) ?? [];
    for (const guess of GUESSES) expect(medians).toMatch(new RegExp(`${guess} [\\d.]+ ms \\([\\d.]+\\)`));
    await run.hasVanished();
    expect(left()).toEqual([]);
  });

  it('leaves nothing behind either when it is interrupted', async () => {
    const run = bench();
    await until('its server runs', () => left().length > 0 && run.processes().join().includes('wrangler'));
    run.signalAll('SIGINT');
    const { code } = await run.exit;
    expect(code).not.toBe(0);
    await run.hasVanished();
    expect(left()).toEqual([]);
  });

  it.each([
    ['--seconds', '0'],
    ['--seconds', 'many'],
    ['--connections', '0'],
    ['--connections', '65'],
  ])('refuses %s %s before it starts anything', async (option, value) => {
    const run = bench(option, value);
    expect((await run.exit).code).toBe(1);
    expect(run.stderr).toContain(`${option} takes a number`);
    expect(left()).toEqual([]);
  });
});
