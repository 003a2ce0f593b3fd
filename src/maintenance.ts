import { makeDeps } from './deps.ts';
import { configOf } from './http/context.ts';
import { uuid } from './ids.ts';
import { repairCopies } from './users/service.ts';

/** The cron trigger's work. Every step may run any number of times. */
export async function runMaintenance(env: Env, ctx: ExecutionContext): Promise<void> {
  const read = configOf(env);
  if (!read.ok) return;
  const deps = makeDeps({
    env,
    config: read.config,
    requestId: uuid(),
    trips: { d1: 0, objects: 0 },
    waitUntil: work => ctx.waitUntil(work),
  });
  const repaired = await repairCopies(deps);
  if (repaired > 0) console.log(JSON.stringify({ event: 'copies_repaired', repaired }));
}
