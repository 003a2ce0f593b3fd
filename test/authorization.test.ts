/**
 * S30: who may call what, for every route there is. The rows are checked against the app's own table of routes, so
 * that a route nobody thought of fails the build.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { call } from './support/client.ts';
import { addressOf, CALLERS, meet, routes, rows } from './support/route-rows.ts';

it('has a row for every route, and no row for a route that is gone', () => {
  const clean = routes.map(route => route.replace(/(.)\/$/, '$1')).toSorted();
  expect([...new Set(clean)]).toEqual(Object.keys(rows).toSorted());
});

let met = 0;

describe.each(Object.entries(rows))('%s', (route, row) => {
  const { through, forbidden = [], hidden = [], body, headers } = row;
  let people: Awaited<ReturnType<typeof meet>>;

  beforeAll(async () => {
    met += 1;
    people = await meet(`matrix-${met}`);
  });

  it.each(CALLERS)('answers %s as its row says', async caller => {
    const { presented, owner } = people;
    const [method = '', path = ''] = route.split(' ');
    const address = addressOf(path, owner.userId, row);
    const by = presented[caller];
    const { status } = await call(method, address, {
      ...by,
      body,
      headers: { ...headers, ...by.headers },
    });
    if (through.includes(caller)) expect([401, 403]).not.toContain(status);
    else expect(status).toBe(forbidden.includes(caller) ? 403 : hidden.includes(caller) ? 404 : 401);
    expect(status).toBeLessThan(500);
  });
});
