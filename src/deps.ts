import { type Audit, type CallerFacts, makeAudit } from './audit.ts';
import type { Config } from './config.ts';
import { logFault } from './log.ts';
import { type Database, openDatabase } from './platform/database.ts';
import { openFiles } from './platform/files.ts';
import { type Objects, openObjects } from './platform/objects.ts';
import { noTrips, type Trips } from './platform/trips.ts';
import { type KeyRing, makeKeyRing } from './tokens/key-ring.ts';

/** What services need from outside, built per request. A service says which part with `Pick<Deps, …>`. */
export interface Deps extends Objects {
  config: Config;
  db: Database;
  keyRing: KeyRing;
  /** Epoch ms. */
  now: () => number;
  trips: Trips;
  /** Does work after the answer. Its trips are counted apart, and a failure is only logged. */
  defer: (work: (deps: Deps) => Promise<unknown>) => void;
  /** Lets work end even when the client is gone. */
  keepAlive: <T>(work: Promise<T>) => Promise<T>;
  /** Writes one line about a security event. It says who called and from which network, and holds no secret. */
  audit: Audit;
  /** Tells the lines that follow who calls. What was known before stays. */
  noteCaller: (caller: CallerFacts) => void;
  /** Files of live sessions, and uploads. */
  files: R2Bucket;
}

/** The context of one request, or of one run of the cron trigger. */
export interface RequestContext {
  env: Env;
  config: Config;
  requestId: string;
  trips: Trips;
  waitUntil: (work: Promise<unknown>) => void;
  /** The network the request comes from; asked only where a line of the log is written. Null: Usher itself. */
  network: () => string | null;
  /** Who calls, as far as it is known. */
  caller: CallerFacts;
}

const keyRings = new WeakMap<Config, KeyRing>();

export function makeDeps(context: RequestContext): Deps {
  const { env, config, trips, waitUntil, caller } = context;
  const keyRing = keyRings.get(config) ?? makeKeyRing(config.signingKeys, config.publicUrl);
  keyRings.set(config, keyRing);
  return {
    ...openObjects(env, trips),
    config,
    db: openDatabase(env.DB, trips),
    keyRing,
    now: () => Date.now(),
    trips,
    defer: work => {
      const deferred = makeDeps({ ...context, trips: noTrips() });
      waitUntil(work(deferred).catch(error => logFault('deferred work failed', error)));
    },
    keepAlive: work => {
      waitUntil(work.catch(() => {}));
      return work;
    },
    audit: makeAudit(context),
    noteCaller: known => void Object.assign(caller, known),
    files: openFiles(env.FILES),
  };
}
