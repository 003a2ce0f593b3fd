/** How often a request went to storage: the price of a request at the edge, shown by `Server-Timing`. */
export interface Trips {
  d1: number;
  objects: number;
}

export const noTrips = (): Trips => ({ d1: 0, objects: 0 });
