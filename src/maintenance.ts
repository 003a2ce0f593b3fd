import { makeDeps } from './deps.ts';
import { sweepErased } from './erasure/service.ts';
import { configOf } from './http/context.ts';
import { uuid } from './ids.ts';
import { sweepFiles } from './live-sessions/file-service.ts';
import { logEvent, logFault } from './log.ts';
import { noTrips } from './platform/trips.ts';
import { freeRetiredIds, sweepUploads } from './uploads/sweep-service.ts';
import { repairCopies } from './users/copy-service.ts';

/** The cron trigger's work. Every step may run any number of times. */
export async function runMaintenance(env: Env, ctx: ExecutionContext): Promise<void> {
  const read = configOf(env);
  if (!read.ok) return;
  const deps = makeDeps({
    env,
    config: read.config,
    requestId: uuid(),
    trips: noTrips(),
    waitUntil: work => ctx.waitUntil(work),
    network: () => null,
    caller: {},
  });
  const outcomes = await Promise.allSettled([
    repairCopies(deps),
    sweepFiles(deps),
    sweepUploads(deps),
    sweepErased(deps),
    freeRetiredIds(deps),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') logFault('maintenance', outcome.reason);
  const [repaired = 0, swept = 0, uploads = 0, erased = 0] = outcomes.map(outcome =>
    outcome.status === 'fulfilled' ? outcome.value : 0,
  );
  const done = { repaired, swept, uploads, erased };
  if (Object.values(done).some(count => count > 0)) logEvent('maintenance', done);
}
