/**
 * S30: who may call what, for every route there is. The rows are checked against the app's own table of routes, so
 * that a route nobody thought of fails the build.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import page from '../src/docs/costs.md?raw';
import { call, trips } from './support/client.ts';
import { costsIn, toShown } from './support/costs.ts';
import { addressOf, CALLERS, meet, routes, rows } from './support/route-rows.ts';

it('has a row for every route, and no row for a route that is gone', () => {
  const clean = routes.map(route => route.replace(/(\S)\/$/, '$1')).toSorted();
  expect([...new Set(clean)]).toEqual(Object.keys(rows).toSorted());
});

/** The trip to D1 that checking an API key takes, once in a while. */
const KEY_TRIP = 1;
/** The call of the user's object that checking an access token takes, also where only secret keys are let in. */
const TOKEN_TRIP = 1;
/** What each call may cost, as the page of costs says. */
const costs = new Map(costsIn(page).map(cost => [cost.call, cost]));

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
    const answer = await call(method, address, {
      ...by,
      body,
      headers: { ...headers, ...by.headers },
    });
    const { status } = answer;
    const cost = costs.get(toShown(route));
    const [d1, objects] = trips(answer);
    expect(d1).toBeLessThanOrEqual((cost?.d1 ?? Number.POSITIVE_INFINITY) + KEY_TRIP);
    expect(objects).toBeLessThanOrEqual(Math.max(cost?.objects ?? Number.POSITIVE_INFINITY, TOKEN_TRIP));
    if (through.includes(caller)) expect([401, 403]).not.toContain(status);
    else expect(status).toBe(forbidden.includes(caller) ? 403 : hidden.includes(caller) ? 404 : 401);
    expect(status).toBeLessThan(500);
  });
});
