import { fromBinding, fromStorage } from './faults.ts';
import type { Trips } from './trips.ts';

/**
 * The only place that makes ids and stubs of Durable Objects. Where data may lie (`DATA_LOCATION`) is part of an
 * object's id: a value set later would strand what was made before.
 */

/** What the runtime calls by itself, and no caller may. */
type Handlers = 'alarm' | 'webSocketMessage' | 'webSocketClose' | 'webSocketError';

/** An object as its callers see it: every method answers with a promise. */
export type Reached<T> = {
  [Name in Exclude<keyof T, Handlers> as T[Name] extends (...parameters: never[]) => unknown
    ? Name
    : never]: T[Name] extends (...parameters: infer Parameters) => infer Answer
    ? (...parameters: Parameters) => Promise<Awaited<Answer>>
    : never;
};

type ClassOf<Namespace> = Namespace extends DurableObjectNamespace<infer Class> ? Class : never;

export type DeviceSessionsObject = Reached<ClassOf<Env['DEVICE_SESSIONS']>>;
export type LiveSessionObject = Reached<ClassOf<Env['LIVE_SESSIONS']>>;
export type PresenceObject = Reached<ClassOf<Env['USER_PRESENCE']>>;
export type SingleUseObject = Reached<ClassOf<Env['SINGLE_USE']>>;
export type ThrottleObject = Reached<ClassOf<Env['THROTTLE']>>;

/** The objects of a deployment, by what names them. */
export interface Objects {
  /** The device sessions of the user with this `users.id`. */
  deviceSessions: (uid: number) => DeviceSessionsObject;
  /** The live session of this id; null where the text cannot be one. */
  liveSession: (id: string) => LiveSessionObject | null;
  newLiveSessionId: () => string;
  singleUse: (shard: string) => SingleUseObject;
  /** Failed attempts of one subject: a username, an address. */
  throttle: (subject: string) => ThrottleObject;
  presence: (uid: number) => PresenceObject;
}

type Bindings = Pick<
  Env,
  'DEVICE_SESSIONS' | 'LIVE_SESSIONS' | 'SINGLE_USE' | 'THROTTLE' | 'USER_PRESENCE'
> & { DATA_LOCATION?: string | undefined };

const LIVE_SESSION_ID = /^[0-9a-f]{64}$/;

/** The objects behind these bindings; every call of one is counted in `trips`. */
export function openObjects(env: Bindings, trips: Trips): Objects {
  const named = <T extends Rpc.DurableObjectBranded>(namespace: DurableObjectNamespace<T>, name: string) =>
    reach<T>(
      fromBinding(() => located(namespace, env.DATA_LOCATION).getByName(name)),
      trips,
    );
  const rooms = () => located(env.LIVE_SESSIONS, env.DATA_LOCATION);
  return {
    deviceSessions: uid => named(env.DEVICE_SESSIONS, String(uid)),
    presence: uid => named(env.USER_PRESENCE, String(uid)),
    throttle: subject => named(env.THROTTLE, subject),
    singleUse: shard => named(env.SINGLE_USE, shard),
    newLiveSessionId: () => fromBinding(() => rooms().newUniqueId().toString()),
    liveSession: id => {
      // One spelling only: the room password and the notes about a live session go by the text of its id.
      if (!LIVE_SESSION_ID.test(id)) return null;
      try {
        return reach(rooms().get(rooms().idFromString(id)), trips);
      } catch {
        return null;
      }
    },
  };
}

/** The name of one of `count` objects that share a task, by its purpose and number. */
export function shardName(purpose: string, shard: number): string {
  return `${purpose}-${shard}`;
}

/** A namespace within the jurisdiction that holds the data, where one is set. */
function located<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  location: string | undefined,
): DurableObjectNamespace<T> {
  return location ? namespace.jurisdiction(location as DurableObjectJurisdiction) : namespace;
}

/**
 * A stub as its callers see it, every call counted. The cast is needed: the runtime's own type of a stub maps answers to
 * what travels over RPC, disposers and all, and so loses the unions by which a refusal is told from a value.
 */
function reach<T extends Rpc.DurableObjectBranded>(stub: DurableObjectStub<T>, trips: Trips): Reached<T> {
  return new Proxy(stub, {
    get(target, property) {
      const member = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        trips.objects += 1;
        return fromStorage(() => Reflect.apply(member, target, parameters));
      };
    },
  }) as unknown as Reached<T>;
}
