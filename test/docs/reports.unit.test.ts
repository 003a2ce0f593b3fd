/** The page of mended reports, `src/docs/reports.md`. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const page = readFileSync('src/docs/reports.md', 'utf8');
const reports = [...page.matchAll(/^\| (?!report |-)(.+) \|$/gm)].map(([, row = '']) => row.split(' | '));

it('tells of every report what was wrong, what is right and where that is shown', () => {
  expect(reports.length).toBeGreaterThan(10);
  for (const cells of reports) {
    expect(cells, cells[0]).toHaveLength(4);
    for (const cell of cells) expect(cell.length, cells[0]).toBeGreaterThan(10);
  }
});

it('names tests that are there', () => {
  for (const [report, , , tests = ''] of reports) {
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    expect(files, report).not.toEqual([]);
    expect(files.filter(file => !existsSync(`test/${file}`))).toEqual([]);
  }
});
