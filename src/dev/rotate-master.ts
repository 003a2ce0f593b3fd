/**
 * `npm run -s rotate-master -- add`, or `-- drop VERSION [--yes] [--remote]`: prints the next value of `MASTER_SECRETS`, made
 * from the one in the environment or in `.dev.vars`. Before a version goes it says what stops working with it, and prints
 * the value only with `--yes`. Nothing is written anywhere.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type ListedKey, whatDies, withNewVersion, withoutVersion } from './master-ring.ts';
import { devVarsPath, parseMasterSecrets, readDevVars, readSetting } from './secrets.ts';

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      yes: { type: 'boolean', default: false },
      remote: { type: 'boolean', default: false },
      'persist-to': { type: 'string', default: '.wrangler/state' },
    },
  });
  const [step = 'add', version = ''] = positionals;
  const { value, source } = readSetting('MASTER_SECRETS');
  const ring = parseMasterSecrets(value);
  const peppers = source === 'laptop' ? readDevVars(devVarsPath()).NAME_PEPPERS : process.env.NAME_PEPPERS;
  if (step === 'add') {
    console.error('The new version derives what is new, the old ones still verify. Nothing stops working.');
    console.error('Deploy this, replace the API keys of the old version, then: drop.');
    console.log(withNewVersion(ring));
  } else if (step === 'drop') {
    const next = withoutVersion(ring, Number(version));
    const where = values.remote ? ['--remote'] : ['--local', '--persist-to', values['persist-to']];
    console.error(whatDies(Number(version), listKeys(where), Boolean(peppers)).join('\n'));
    if (!peppers) throw new Error('NAME_PEPPERS is not set: give it the value that MASTER_SECRETS has now.');
    if (!values.yes)
      throw new Error('Nothing was done. With --yes the ring without this version is printed.');
    console.log(next);
  } else throw new Error('Say which step: add, or drop VERSION');
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

/** The keys of the deployment's database. */
function listKeys(where: string[]): ListedKey[] {
  const query = 'SELECT id, name, kind, version FROM keys ORDER BY createdAt';
  const { status, stdout, stderr } = spawnSync(
    'wrangler',
    ['d1', 'execute', 'DB', ...where, '--json', '--command', query],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  const [{ results }] = JSON.parse(stdout) as [{ results: ListedKey[] }];
  return results;
}
