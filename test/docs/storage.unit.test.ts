/** The page about storage, `src/docs/storage.md`, against the tables in the code. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const page = readFileSync('src/docs/storage.md', 'utf8');

/** The tables that a section of the page describes, up to the next heading of any level. */
function described(heading: string): string[] {
  const [, rest = ''] = page.split(new RegExp(`\n##+ ${heading}\n`));
  const [section = ''] = rest.split(/\n##+ /);
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, table = '']) => table).toSorted();
}

/** The source of every file under a folder of `src`, with the names of tables that stand in constants filled in. */
function sourceOf(folder: string): string {
  const source = globSync(`src/${folder}/**/*.ts`)
    .map(file => readFileSync(file, 'utf8'))
    .join('\n');
  return source.replaceAll(/\$\{([A-Z_]+)\}/g, (whole, name) => {
    const [, value] = new RegExp(`const ${name} = '(\\w+)'`).exec(source) ?? [];
    return value ?? whole;
  });
}

/** The tables that the objects of a folder make and do not drop again. */
function made(folder: string): string[] {
  const source = sourceOf(folder);
  const named = (pattern: RegExp) => [...source.matchAll(pattern)].map(([, table = '']) => table);
  const dropped = named(/DROP TABLE (?:IF EXISTS )?(\w+)/g);
  const created = [
    ...named(/CREATE TABLE (?:IF NOT EXISTS )?(?!IF\b)(\w+)/g),
    ...named(/RENAME TO (\w+)/g),
    // Tables that are made from a list.
    ...(/\{TABLES\[\w+\]\}/.test(source) ? named(/^ {2}(\w+): 'key TEXT PRIMARY KEY/gm) : []),
  ];
  return [...new Set(created)].filter(table => !dropped.includes(table)).toSorted();
}

it('describes every table of D1, and no other', () => {
  const tables = globSync('src/*/table.ts').flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/sqliteTable\(\s*'(\w+)'/g)].map(([, table = '']) => table),
  );
  expect(tables.length).toBeGreaterThan(8);
  expect(described('D1')).toEqual(tables.toSorted());
});

it('names the tables of the search index', () => {
  const tables = globSync('migrations/*.sql').flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/^CREATE (?:VIRTUAL TABLE|VIEW) `(\w+)`/gm)].map(
      ([, table]) => table,
    ),
  );
  expect(tables.length).toBeGreaterThan(3);
  for (const table of tables) expect(page).toContain(`\`${table}\``);
});

it.each([
  ['Every class', 'platform'],
  ['DeviceSessions', 'device-sessions'],
  ['LiveSession', 'live-sessions'],
  ['UserPresence', 'presence'],
  ['Throttle', 'throttle'],
  ['SingleUse', 'single-use'],
])('describes every table of %s, and no other', (heading, folder) => {
  const tables = made(folder);
  expect(tables.length).toBeGreaterThan(0);
  expect(described(heading)).toEqual(tables);
});

it('describes every class of objects', () => {
  const classes = globSync('src/**/*.ts').flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/class (\w+) extends DurableObject/g)].map(([, name]) => name),
  );
  expect(classes.length).toBeGreaterThan(4);
  for (const name of classes) expect(page).toContain(`\n### ${name}\n`);
});
