import { env } from 'cloudflare:workers';
import { type Deps, makeDeps } from '../../src/deps.ts';
import { configOf } from '../../src/http/context.ts';
import type { DeviceSessionsObject } from '../../src/platform/objects.ts';
import type { Claims } from '../../src/tokens/claims.ts';
import type { SignedIn } from './client.ts';

/** What a service is given, with parts of it changed: to break them, or to do something at a moment of its work. */
export function depsWith(changes: (deps: Deps) => Partial<Deps> = () => ({})): Deps {
  const read = configOf(env);
  if (!read.ok) throw new Error('not configured');
  const context = {
    env,
    config: read.config,
    requestId: 'test',
    trips: { d1: 0, objects: 0 },
    waitUntil: () => {},
    network: () => null,
    caller: {},
  };
  const deps = makeDeps(context);
  return { ...deps, ...changes(deps) };
}

/** Methods of a user's `DeviceSessions` replaced, for `depsWith`. */
export function onDeviceSessions(
  methods: (object: DeviceSessionsObject, uid: number) => Partial<DeviceSessionsObject>,
) {
  return ({ deviceSessions }: Deps): Pick<Deps, 'deviceSessions'> => ({
    deviceSessions: uid => {
      const object = deviceSessions(uid);
      const replaced = methods(object, uid);
      return new Proxy(object, {
        get: (target, name) => Reflect.get(name in replaced ? replaced : target, name),
      });
    },
  });
}

/** The claims of an access token, as the routes hand them to the services. */
export async function claimsFor(
  { keyRing }: Deps,
  { accessToken }: Pick<SignedIn, 'accessToken'>,
): Promise<Claims<'access'>> {
  const claims = await keyRing.verify('access', accessToken, Date.now());
  if (!claims) throw new Error('no access token');
  return claims;
}
