import { app } from './app.ts';

export { DeviceSessions } from './device-sessions/device-sessions.ts';
export { LiveSession } from './live-sessions/live-session.ts';

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
} satisfies ExportedHandler<Env>;
