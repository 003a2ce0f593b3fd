/**
 * `npm run dev`: everything a laptop needs, and then `wrangler dev`. Makes local secrets once, applies the migrations,
 * puts the local keys in place, serves, and says what to try first. `-- --port N` chooses the port; what else
 * stands behind `--` goes to `wrangler dev`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { type LocalKeys, localKeys } from './local-keys.ts';
import { ensureDevVars, readMasterSecrets } from './secrets.ts';

const { values, tokens } = parseArgs({
  strict: false,
  tokens: true,
  options: {
    port: { type: 'string', default: '8787' },
    'persist-to': { type: 'string', default: '.wrangler/state' },
  },
});
const own = new Set(['port', 'persist-to']);
const forwarded = tokens
  .filter(token => token.kind === 'option' && !own.has(token.name))
  .map(token => (token.kind === 'option' ? `--${token.name}${token.value ? `=${token.value}` : ''}` : ''));

const port = String(values.port);
const state = String(values['persist-to']);
const devVars = process.env.USHER_DEV_VARS ?? '.dev.vars';
const publicUrl = `http://localhost:${port}`;
const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' };

let running: ChildProcess | undefined;
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopping = true;
    running?.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  });
}

const made = await ensureDevVars(devVars);
if (made === 'made') console.log(`Made ${devVars} with fresh local secrets.`);
const { keys, sql } = await localKeys(readMasterSecrets(devVars));
await quietly('d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state);
await quietly('d1', 'execute', 'DB', '--local', '--persist-to', state, '--command', sql);
if (!stopping) process.exitCode = await serve();

/** Runs a wrangler command that has nothing to say unless it fails. */
async function quietly(...args: string[]): Promise<void> {
  if (stopping) return;
  const child = spawn('wrangler', args, { env: { ...env, CI: 'true' }, stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      said += chunk;
    });
  }
  const [code] = await once(child, 'close');
  if (code === 0 || stopping) return;
  console.error(said);
  console.error(`wrangler ${args.slice(0, 3).join(' ')} failed`);
  process.exit(1);
}

async function serve(): Promise<number> {
  const args = ['dev', '--port', port, '--persist-to', state, '--show-interactive-dev-session=false'];
  args.push('--var', `PUBLIC_URL:${publicUrl}`, '--env-file', devVars, ...forwarded);
  const child = spawn('wrangler', args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  running = child;
  const ended = once(child, 'close');
  const ready = await Promise.race([untilHealthy(), ended.then(() => false)]);
  if (ready) console.log(welcome(keys));
  const [code] = await ended;
  return stopping ? 0 : (code ?? 1);
}

async function untilHealthy(): Promise<boolean> {
  while (!stopping) {
    const answer = await fetch(`${publicUrl}/health`).catch(() => null);
    if (answer) return answer.ok;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  return false;
}

function welcome({ publishableKey, secretKey, accessKey, accessSecret }: LocalKeys): string {
  return `
Usher is at ${publicUrl} (Ctrl-C stops it; its state stays in ${state})

  publishable key   ${publishableKey}
  secret key        ${secretKey}
  access key        ${accessKey}
  access secret     ${accessSecret}

Sign somebody in:

  curl -s ${publicUrl}/api/v5/sessions -H 'X-API-KEY: ${publishableKey}' \\
    -H 'Content-Type: application/json' -d '{"userId":"ada","deviceId":"laptop"}'
`;
}
