/** The map of the house, `src/README.md`, against the house. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const map = readFileSync('src/README.md', 'utf8');
const rules = readFileSync('test/import-rules.unit.test.ts', 'utf8');
const rooms = globSync('src/*/').map(folder => folder.replace(/^src\//, '').replace(/\/$/, ''));

/** The names in backticks of a text. */
const namesOf = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
/** The rows of every table under a heading, as their cells. */
function tableRows(heading: string): string[][] {
  const [, rest = ''] = map.split(`\n## ${heading}\n`);
  const [section = ''] = rest.split('\n## ');
  return [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split(' | '));
}

it('tells what every room is for, and names no room that is gone', () => {
  const told = tableRows('Rooms').flatMap(([room = '']) => namesOf(room));
  expect(told.toSorted()).toEqual(rooms.toSorted());
});

it('has the rows of imports that are held', () => {
  const [, list = ''] = /const rows = \[\n(.*?)\n\];/s.exec(rules) ?? [];
  const held = [...list.matchAll(/\[(.*)\]/g)].map(([, row = '']) => row.replaceAll("'", '').split(', '));
  const told = [...map.matchAll(/^\d+\. (.*)$/gm)].map(([, row = '']) => namesOf(row));
  expect(told.length).toBeGreaterThan(10);
  expect(told).toEqual(held);
});

it('leads to files and functions that are there', () => {
  const ways = tableRows('Find it').slice(1);
  expect(ways.length).toBeGreaterThan(8);
  const gone = ways.flatMap(([, file = '', names = '']) => {
    const [path = ''] = namesOf(file);
    if (!existsSync(`src/${path}`)) return [path];
    const source = readFileSync(`src/${path}`, 'utf8');
    const defined = (name: string) =>
      new RegExp(`(function|const|async) ${name}\\b|^ +(override )?(async )?${name}\\(|'${name}':`, 'm');
    return namesOf(names)
      .filter(name => !defined(name).test(source))
      .map(name => `${path} ${name}`);
  });
  expect(gone).toEqual([]);
});

it('is one screen for each of its tables', () => {
  expect(map.split('\n').length).toBeLessThan(150);
});
