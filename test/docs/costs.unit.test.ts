/** The page of costs, `src/docs/costs.md`, against the table of routes. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { app } from '../../src/app.ts';
import { costsIn, toShown } from '../support/costs.ts';

const costs = costsIn(readFileSync('src/docs/costs.md', 'utf8'));

it('has a row for every route, and no row for a route that is gone', () => {
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => toShown(`${method} ${path}`));
  expect(costs.length).toBeGreaterThan(70);
  expect(costs.map(({ call }) => call).toSorted()).toEqual([...new Set(served)].toSorted());
});

it('says of every call what bounds it', () => {
  for (const { call, cells } of costs) {
    expect(cells, call).toHaveLength(6);
    for (const cell of cells) expect(cell, call).not.toBe('');
  }
});
