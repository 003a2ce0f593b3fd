/** Part of `npm run check`: generated files must be up to date with their sources. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  console.error(stdout, stderr);
  process.exit(1);
}

const scratch = mkdtempSync(join(tmpdir(), 'usher-migrations-'));
try {
  cpSync('migrations', scratch, { recursive: true });
  run('drizzle-kit', 'generate', '--dialect', 'sqlite', '--schema', './src/*/table.ts', '--out', scratch);
  const missing = readdirSync(scratch).filter(file => !readdirSync('migrations').includes(file));
  if (missing.length > 0) {
    console.error('The tables changed and migrations/ did not: run `npm run migrations -- <name>`.');
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true });
}
run(
  'wrangler',
  'types',
  'src/env.d.ts',
  '--check',
  '--include-runtime=false',
  '--strict-vars=false',
  '--env-file',
  '.dev.vars.example',
);
run('node', 'src/dev/common-passwords.ts', '--check');
