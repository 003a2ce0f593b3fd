/**
 * `npm run -s create-key -- --name NAME [--kind secret|publishable] [--remote]`: makes an API key in the local database
 * or, with `--remote`, in the deployed one. It makes the first secret key of a deployment; `POST /v1/keys` makes the
 * others. `MASTER_SECRETS` is read from the environment or from `.dev.vars`.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { makeKey } from './local-keys.ts';
import { parseMasterSecrets, readSetting } from './secrets.ts';

try {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      kind: { type: 'string', default: 'secret' },
      remote: { type: 'boolean', default: false },
      'persist-to': { type: 'string', default: '.wrangler/state' },
    },
  });
  const { name, kind, remote } = values;
  if (!name) throw new Error('Give the key a name: npm run -s create-key -- --name "My server"');
  if (kind !== 'secret' && kind !== 'publishable') throw new Error('--kind takes secret or publishable');
  const secrets = readSetting('MASTER_SECRETS');
  if (remote && secrets.source === 'laptop') {
    throw new Error(
      "--remote needs the deployment's MASTER_SECRETS in the environment: a key made with others never verifies",
    );
  }
  const { texts, sql } = await makeKey(
    parseMasterSecrets(secrets.value),
    kind === 'secret' ? 'sk' : 'pk',
    name,
  );
  const where = remote ? ['--remote'] : ['--local', '--persist-to', values['persist-to']];
  const { status, stdout, stderr } = spawnSync(
    'wrangler',
    ['d1', 'execute', 'DB', ...where, '--yes', '--command', sql],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  console.log(JSON.stringify({ kind, ...texts }));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
