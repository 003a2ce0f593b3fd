/** S60: repairs that go through pages: rows that fail every time hold up no other for long. */
import { expect, it } from 'vitest';
import { repairInPages } from '../../src/platform/paging.ts';

/** Rows 1 to `count`, of which those that `fails` names are never repaired. */
function makeRows(count: number, fails: (id: number) => boolean) {
  let left = Array.from({ length: count }, (_, index) => index + 1);
  const worked: number[] = [];
  const rows = {
    readPage: async (after: number, limit: number) =>
      left
        .filter(id => id > after)
        .slice(0, limit)
        .map(id => ({ id })),
    measure: async () => ({ count: left.length, lastId: left.at(-1) ?? 0 }),
    repair: async ({ id }: { id: number }) => {
      worked.push(id);
      if (fails(id)) throw new Error('away');
      left = left.filter(other => other !== id);
    },
    atOnce: 3,
    pages: 4,
  };
  return { rows, worked, isLeft: (id: number) => left.includes(id) };
}

it('goes through the pages in order, past rows that fail, and says how many it did', async () => {
  const { rows, worked } = makeRows(10, id => id <= 6);
  const failures: unknown[] = [];
  expect(await repairInPages(rows, reason => failures.push(reason))).toBe(4);
  expect(worked).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(failures).toHaveLength(6);
});

it('does nothing where there is nothing', async () => {
  const { rows, worked } = makeRows(0, () => false);
  expect(await repairInPages(rows, () => {})).toBe(0);
  expect(worked).toEqual([]);
});

it.each([1, 20, 40])('reaches the row %i in some run, where more fail than one run can take', async good => {
  const { rows, isLeft } = makeRows(40, id => id !== good);
  for (let run = 0; run < 500 && isLeft(good); run += 1) await repairInPages(rows, () => {});
  expect(isLeft(good)).toBe(false);
});

it('works on no row twice in one run', async () => {
  for (let run = 0; run < 50; run += 1) {
    const { rows, worked } = makeRows(14, () => true);
    await repairInPages(rows, () => {});
    expect(new Set(worked).size).toBe(worked.length);
  }
});
