/** `npm run dev` as its user meets it: what it prints, what it allows, and what it leaves behind. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureDevVars } from '../../src/dev/secrets.ts';
import { type DevServer, freePort, makeLaptop, startDevServer } from './support/dev-server.ts';
import { until } from './support/until.ts';

const laptop = makeLaptop();
let port: number;
let server: DevServer;

beforeAll(async () => {
  await ensureDevVars(laptop.devVars);
  const settings = readFileSync(laptop.devVars, 'utf8');
  writeFileSync(laptop.devVars, settings.replace('NETWORK_MODE=open', 'NETWORK_MODE=secure'));
  port = await freePort();
  server = await startDevServer(port, laptop);
});

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

const preflight = (Origin: string) =>
  fetch(`${server.url}/session`, {
    method: 'OPTIONS',
    headers: { Origin, 'Access-Control-Request-Method': 'POST' },
  });

it('prints a first command that works in secure mode', async () => {
  const [, command = ''] = server.run.stdout.split(/^Sign somebody in.*$/m);
  const answer = execFileSync('bash', ['-c', command.split('\n[')[0] ?? ''], { encoding: 'utf8' });
  expect(JSON.parse(answer)).toMatchObject({ accessToken: expect.any(String) });
  expect(answer).toMatch(/\n$/);
});

it('warns of nothing that its user could not mend', () => {
  expect(server.run.stdout + server.run.stderr).not.toMatch(/warn/i);
  expect(server.run.stdout).toContain('Ready on');
});

it('allows pages of every local port and says so, and names a refused one in the log', async () => {
  expect(server.run.stdout).toContain('Pages of any port of localhost and 127.0.0.1 may call it');
  for (const origin of ['http://localhost:5173', 'http://127.0.0.1:3000', `http://127.0.0.1:${port}`]) {
    expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBe(origin);
  }
  expect((await preflight('https://stranger.example')).headers.get('access-control-allow-origin')).toBe(null);
  await until('the log names it', () => /origin_not_allowed.*stranger\.example/.test(server.run.stdout));
});

it('says when settings have changed, and that it takes a restart', async () => {
  appendFileSync(laptop.devVars, 'ACCESS_TOKEN_SECONDS=600\n');
  await until('it says so', () => server.run.stdout.includes('has changed. Restart npm run dev'));
});

it('ends what a killed run left behind, and no stranger', async () => {
  // Of wrangler and what runs below it: all but npm, its shell and our own process.
  const below = () => server.run.processes().filter(command => /wrangler-dist|workerd.*serve/.test(command));
  await until('all of it runs', () => below().length > 1);
  const own = server.run
    .processes()
    .find(command => /node src\/dev\/start/.test(command) && !/sh -c/.test(command));
  const noted = () => {
    const [, pid] = /^(\d+)/.exec(own ?? '') ?? [];
    const note = JSON.parse(readFileSync(`${laptop.state}/runs/${pid}.json`, 'utf8'));
    return note.started.length >= below().length;
  };
  await until('it has noted them', noted);
  process.kill(Number(own?.split(' ')[0]), 'SIGKILL');
  const { run } = server;
  await run.exit;
  server = await startDevServer(port, laptop);
  expect(run.processes()).toEqual([]);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});
