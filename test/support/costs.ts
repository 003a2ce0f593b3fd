/** One row of the page of costs. */
export interface Cost {
  /** `METHOD /path`, as the documents write it. */
  call: string;
  /** The most trips it may take; null where that depends on a list. */
  d1: number | null;
  objects: number | null;
  cells: string[];
}

/** A route as the documents write it: `{v}` for the versions, `{id}` for a parameter. */
export function toShown(route: string): string {
  return route
    .replace(/(\S)\/$/, '$1')
    .replace(/:(\w+)(\{.*?\})?/g, '{$1}')
    .replace(/ \/api\/v\d\//, ' /api/{v}/');
}

/** The rows of the page of costs. */
export function costsIn(page: string): Cost[] {
  return [...page.matchAll(/^\| `([A-Z]+ [^`]+)` \| (.*) \|$/gm)].map(([, call = '', rest = '']) => {
    const cells = rest.split(' | ');
    return { call, d1: most(cells[1]), objects: most(cells[2]), cells };
  });
}

/** Of `2`: 2; of `1–3`: 3; of a number that is followed by words: null. */
function most(cell = ''): number | null {
  const [, end] = /^(?:\d+–)?(\d+)$/.exec(cell) ?? [];
  return end === undefined ? null : Number(end);
}
