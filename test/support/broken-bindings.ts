/** Storage that fails as storage does: the one place where something of Cloudflare is replaced in tests. */
import { env } from 'cloudflare:workers';

export type Fault = () => Error;

export const overloaded: Fault = () =>
  Object.assign(new Error('D1 DB is overloaded. Requests queued for too long.'), { overloaded: true });
export const lost: Fault = () => new Error('Network connection lost.');

export const OBJECTS = [
  'DEVICE_SESSIONS',
  'LIVE_SESSIONS',
  'SINGLE_USE',
  'THROTTLE',
  'USER_PRESENCE',
] as const;
export type ObjectName = (typeof OBJECTS)[number];

/** D1 that answers `calls` round trips, and fails from then on. */
export function brokenDatabase(fault: Fault, calls = 0): Record<string, unknown> {
  const trip = counter(fault, calls);
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): object => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => trip(() => statement.all()),
      run: () => trip(() => statement.run()),
      raw: () => trip(() => statement.raw()),
      first: () => trip(() => statement.first()),
    };
    originals.set(wrapped, statement);
    return wrapped;
  };
  const prepare = (query: string) => wrap(env.DB.prepare(query));
  const batch = (statements: object[]) =>
    trip(() => env.DB.batch(statements.map(each => originals.get(each) as D1PreparedStatement)));
  return { DB: { prepare, batch } };
}

/** Objects of one class that answer `calls` calls, and fail from then on. */
export function brokenObjects(name: ObjectName, fault: Fault, calls = 0): Record<string, unknown> {
  const trip = counter(fault, calls);
  const namespace = env[name] as unknown as DurableObjectNamespace;
  const wrap = (stub: object) =>
    new Proxy(stub, {
      get: (target, method) => {
        const member = Reflect.get(target, method);
        if (typeof member !== 'function') return member;
        return (...parameters: unknown[]) => trip(async () => Reflect.apply(member, target, parameters));
      },
    });
  return {
    [name]: {
      getByName: (text: string) => wrap(namespace.getByName(text)),
      get: (id: DurableObjectId) => wrap(namespace.get(id)),
      idFromString: (text: string) => namespace.idFromString(text),
      idFromName: (text: string) => namespace.idFromName(text),
      newUniqueId: () => namespace.newUniqueId(),
    },
  };
}

/** R2 of which these methods fail. */
export function brokenFiles(fault: Fault, methods: readonly string[]): Record<string, unknown> {
  const files = new Proxy(env.FILES, {
    get: (target, method) => {
      if (methods.includes(String(method))) return () => Promise.reject(fault());
      const member = Reflect.get(target, method);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  return { FILES: files };
}

/** R2 whose `put` reads so many chunks of a body, lets go of it, and fails. */
export function breakingOff(fault: Fault, chunks: number): Record<string, unknown> {
  const files = new Proxy(env.FILES, {
    get: (target, method) => {
      const member = Reflect.get(target, method);
      if (method !== 'put') return typeof member === 'function' ? member.bind(target) : member;
      return async (_: string, body: ReadableStream) => {
        const reader = body.getReader();
        for (let read = 0; read < chunks; read += 1) await reader.read();
        throw fault();
      };
    },
  });
  return { FILES: files };
}

function counter(fault: Fault, calls: number) {
  let left = calls;
  return <T>(work: () => Promise<T>): Promise<T> => {
    left -= 1;
    return left < 0 ? Promise.reject(fault()) : work();
  };
}
