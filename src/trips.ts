/** How often a request went to storage: the price of a request at the edge, shown by `Server-Timing`. */
export interface Trips {
  d1: number;
  objects: number;
}

/** A stub whose RPC calls and fetches are counted. */
export function countCalls<Stub extends object>(stub: Stub, trips: Trips): Stub {
  return new Proxy(stub, {
    get(target, property) {
      const member = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        trips.objects += 1;
        return Reflect.apply(member, target, parameters);
      };
    },
  });
}
