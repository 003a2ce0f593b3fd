import { execFileSync } from 'node:child_process';
import type { NpmRun } from './dev-server.ts';

/** Memory of the runtime's processes, in megabytes. */
export function workerdRss(run: NpmRun): number {
  const pids = run
    .processes()
    .filter(line => line.includes('workerd serve'))
    .map(line => line.split(' ')[0] ?? '');
  const list = execFileSync('ps', ['-o', 'rss=', '-p', pids.join(',')], { encoding: 'utf8' });
  return Math.round(list.split('\n').reduce((sum, line) => sum + Number(line), 0) / 1024);
}
