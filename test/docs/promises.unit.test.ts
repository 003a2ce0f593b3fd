/** The page of promises, `src/docs/promises.md`, against the tests that name their numbers. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const NUMBER = /\b[SI]\d{1,2}\b/g;

const page = readFileSync('src/docs/promises.md', 'utf8');
const promises = [...page.matchAll(/^\| (\w+) \| (.*) \| (.*) \|$/gm)].map(
  ([, number = '', said = '', files = '']) => ({
    number,
    said,
    files: [...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file).toSorted(),
  }),
);

/** The files that name a number. */
const citing = new Map<string, string[]>();
const tests = globSync('test/**/*.{test,long}.ts').filter(file => !file.startsWith('test/docs/'));
for (const file of tests.toSorted()) {
  const numbers = new Set(readFileSync(file, 'utf8').match(NUMBER));
  for (const number of numbers)
    citing.set(number, [...(citing.get(number) ?? []), file.replace('test/', '')]);
}

it('has every promise once, in a sentence', () => {
  expect(promises.length).toBeGreaterThan(60);
  expect(new Set(promises.map(({ number }) => number)).size).toBe(promises.length);
  for (const { number, said } of promises) {
    expect(number).toMatch(/^[SI]\d{1,2}$/);
    expect(said).toMatch(/^[A-Z`].{15,}\.$/);
  }
});

it('has a test for every promise', () => {
  expect(promises.filter(({ number }) => !citing.has(number)).map(({ number }) => number)).toEqual([]);
});

it('has every number that a test names', () => {
  const numbers = promises.map(({ number }) => number);
  expect([...citing.keys()].filter(number => !numbers.includes(number))).toEqual([]);
});

it.each(promises)('names the files that show $number', ({ number, files }) => {
  expect(files).toEqual(citing.get(number)?.toSorted());
});
