import { app } from './app.ts';
import { runMaintenance } from './maintenance.ts';

export { DeviceSessions } from './device-sessions/object/device-sessions.ts';
export { LiveSession } from './live-sessions/object/live-session.ts';
export { UserPresence } from './presence/user-presence.ts';
export { SingleUse } from './single-use/single-use.ts';
export { Throttle } from './throttle/throttle.ts';

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
  /** Once a minute: repairs what a crash or an unreachable object left behind. */
  scheduled: (_, env, ctx) => runMaintenance(env, ctx),
} satisfies ExportedHandler<Env>;
