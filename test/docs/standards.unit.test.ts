/** The page that goes through the standards line by line, `src/docs/standards.md`. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('src/docs/standards.md', 'utf8');
const promises = readFileSync('src/docs/promises.md', 'utf8');

interface Line {
  number: string;
  state: string;
  by: string;
}

function linesUnder(heading: string): Line[] {
  const [, rest = ''] = page.split(`\n## ${heading}`);
  const [section = ''] = rest.split('\n## ');
  return [...section.matchAll(/^\| ([\d.]+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
    ([, number = '', , state = '', by = '']) => ({ number, state, by }),
  );
}

/** How many requirements each section of a chapter has. */
const SECTIONS = {
  'ASVS 5.0, chapter 6': [3, 12, 8, 6, 8, 4, 2, 4],
  'ASVS 5.0, chapter 7': [3, 4, 2, 5, 3, 2],
  'ASVS 5.0, chapter 8': [4, 4, 3, 2],
  'ASVS 5.0, chapter 9': [3, 4],
  'ASVS 5.0, chapter 16': [1, 5, 4, 3, 4],
};

describe.each(Object.entries(SECTIONS))('%s', (heading, sections) => {
  it('has every requirement', () => {
    const chapter = heading.split(' ').at(-1);
    const numbers = sections.flatMap((count, index) =>
      Array.from({ length: count }, (_, nth) => `${chapter}.${index + 1}.${nth + 1}`),
    );
    expect(linesUnder(heading).map(({ number }) => number)).toEqual(numbers);
  });
});

it('has every kind of attack and every practice of the RFCs', () => {
  const attacks = Array.from({ length: 17 }, (_, nth) => `4.${nth + 1}`);
  const rfc9700 = linesUnder('RFC 9700').map(({ number }) => number);
  expect(rfc9700.filter(number => number.startsWith('4.'))).toEqual(attacks);
  const rfc8725 = linesUnder('RFC 8725').map(({ number }) => number);
  expect(rfc8725).toEqual(Array.from({ length: 12 }, (_, nth) => `3.${nth + 1}`));
});

const all = page
  .split('\n## ')
  .slice(1)
  .flatMap(section => linesUnder(section.split('\n')[0] ?? ''));

it('gives every line a state and a reason', () => {
  expect(all.length).toBeGreaterThan(110);
  for (const { state, by } of all) {
    expect(state).toMatch(/^(met|not met|partly|not applicable)$/);
    expect(by.length).toBeGreaterThan(1);
  }
});

it('names a promise, a test or a page for everything that is met', () => {
  for (const { number, state, by } of all) {
    if (state !== 'met') continue;
    expect(by, number).toMatch(/\b[SI]\d{1,2}\b|`[^`]+\.(ts|md)`/);
  }
});

it('names no promise and no file that does not exist', () => {
  for (const [promise] of page.matchAll(/\b[SI]\d{1,2}\b/g)) expect(promises).toContain(`\n| ${promise} |`);
  const files = [...page.matchAll(/`([^`\s]+\.(?:ts|md))`/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter(file => !existsSync(file) && !existsSync(`test/${file}`))).toEqual([]);
});
