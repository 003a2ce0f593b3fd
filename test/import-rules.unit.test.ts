/** The map of the house, held: which file of a part may know what, and which part may know which. */
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, it } from 'vitest';

interface Import {
  from: string;
  typeOnly: boolean;
}

const files = globSync('src/**/*.ts').filter(file => !file.endsWith('.d.ts'));

function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8');
  const statements = source.matchAll(/^(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'/gm);
  return [...statements].map(([, type, names = '', from = '']) => ({
    from: from.startsWith('.') ? posix.join(posix.dirname(file), from) : from,
    typeOnly: type !== undefined || isAllTypes(names),
  }));
}

function isAllTypes(names: string): boolean {
  const inBraces = /^\{(.*)\}$/s.exec(names)?.[1];
  const each =
    inBraces
      ?.split(',')
      .map(name => name.trim())
      .filter(Boolean) ?? [];
  return each.length > 0 && each.every(name => name.startsWith('type '));
}

/** Every import of the tree, as `[importing file, import]`. */
const imports = files.flatMap(file => importsOf(file).map(each => [file, each] as const));

const partOf = (file: string) => /^src\/([^/]+)\/.+$/.exec(file)?.[1] ?? null;
/** `service` of `service.ts` and of `file-service.ts` alike: a part may have its roles twice. */
const roleOf = (file: string) => /([^-/]+)\.ts$/.exec(file)?.[1] ?? '';
const isInObject = (file: string) => /\/object\//.test(file);
const isOwn = (file: string, target: string, roles: RegExp) =>
  partOf(target) === partOf(file) && roles.test(roleOf(target));

/** A part may use parts of its own row and of the rows above it; type imports count. */
const rows = [
  ['platform', 'crypto', 'tokens', 'events'],
  ['throttle', 'single-use'],
  ['http', 'files', 'retired-names'],
  ['users'],
  ['keys'],
  ['access'],
  ['identifier-sessions', 'uploads', 'bans', 'profiles', 'registration'],
  ['live-sessions'],
  ['device-sessions'],
  ['presence', 'issued-tokens', 'wallets', 'oauth', 'sdk'],
  ['erasure'],
  ['accounts', 'search', 'locators'],
  ['directory', 'roles'],
];
/** The routes that manage keys need the middleware that reads keys. */
const exception = ['src/keys/routes.ts', 'src/access/directory-callers.ts'];
/** What stands beside the rows: it runs on Node, or is made of everything. */
const beside = ['dev', 'docs'];
const rowOf = (part: string | null) => rows.findIndex(row => row.includes(part ?? ''));

const SHARED = /^src\/(result|ids|errors|log|times|text|audit)\.ts$/;
/** Pure files beside `rules.ts`: counting and the like, held to the same rule. */
const PURE = /^(rules|attempts|changes|rotation)$/;

/** What a file of a role may import as values; types may come from anywhere below. */
const allowed: Record<string, (file: string, target: string) => boolean> = {
  contract: (file, target) =>
    target === 'src/files/declared.ts' ||
    target === 'zod' ||
    /^src\/(text|times)\.ts$/.test(target) ||
    isOwn(file, target, /^rules$/) ||
    /[-/]contract\.ts$/.test(target),
  rules: (file, target) =>
    /^src\/(result|times|text)\.ts$/.test(target) ||
    isOwn(file, target, PURE) ||
    /[-/]rules\.ts$/.test(target),
  table: (_, target) => target.startsWith('drizzle-orm') || target === 'src/users/table.ts',
  store: (_, target) =>
    target === 'src/platform/batch.ts' ||
    target.startsWith('drizzle-orm') ||
    /^src\/(times|text)\.ts$/.test(target) ||
    /[-/](table|store)\.ts$/.test(target),
  present: (file, target) =>
    target === 'hono/utils/mime' ||
    target === 'src/users/rules.ts' ||
    target === 'src/times.ts' ||
    isOwn(file, target, /^(contract|rules)$/) ||
    /[-/]present\.ts$/.test(target),
  service: (file, target) =>
    SHARED.test(target) ||
    /^(file-type|image-size)/.test(target) ||
    /^src\/(crypto|platform|tokens|files)\//.test(target) ||
    /[-/](service|rules)\.ts$/.test(target) ||
    /^src\/(users|retired-names|locators)\/.*(store|record)\.ts$/.test(target) ||
    isOwn(file, target, /^(rules|store|contract|derive|message|ethereum|wallets|record)$/),
  routes: (file, target) =>
    target.startsWith('hono') ||
    target === 'src/errors.ts' ||
    /^src\/(http|access|files)\//.test(target) ||
    /[-/]contract\.ts$/.test(target) ||
    isOwn(file, target, /^(service|present|events)$/),
};
for (const name of ['attempts', 'changes', 'rotation']) allowed[name] = allowed.rules as never;

const objects = files.filter(file => /extends DurableObject</.test(readFileSync(file, 'utf8')));

it('keeps every file to what its role may know', () => {
  const broken = imports
    .filter(([file]) => partOf(file) !== null && !['http', 'dev'].includes(partOf(file) ?? ''))
    .filter(([file, { typeOnly }]) => !typeOnly && !isInObject(file) && allowed[roleOf(file)])
    .filter(([file, { from }]) => `${[file, from]}` !== `${exception}`)
    .filter(([file, { from }]) => !allowed[roleOf(file)]?.(file, from));
  expect(broken.map(([file, { from }]) => `${file} imports ${from}`)).toEqual([]);
});

it('lets parts depend downwards only, types counted', () => {
  const broken = imports.filter(([file, { from }]) => {
    const [part, target] = [partOf(file), partOf(from)];
    if (part === null || target === null || part === target || beside.includes(part)) return false;
    if (`${[file, from]}` === `${exception}`) return false;
    return rowOf(target) < 0 || rowOf(part) < 0 || rowOf(target) > rowOf(part);
  });
  expect(broken.map(([file, { from }]) => `${file} imports ${from}`)).toEqual([]);
});

it('knows every part', () => {
  const parts = new Set(files.map(partOf).filter(part => part !== null));
  expect([...parts].filter(part => rowOf(part) < 0 && !beside.includes(part))).toEqual([]);
});

it('has no circle of files, types counted', () => {
  const targets = new Map(files.map(file => [file, importsOf(file).map(({ from }) => from)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

/** The objects and every file of theirs that comes along as a value. */
function inObjects(): string[] {
  const reached = new Set(objects);
  for (const file of reached) {
    for (const { from, typeOnly } of importsOf(file)) {
      if (!typeOnly && files.includes(from)) reached.add(from);
    }
  }
  return [...reached];
}

it('keeps D1, HTTP and services out of the objects', () => {
  const forbidden =
    /^(hono|drizzle-orm)|^src\/(platform\/database|deps)\.ts$|^src\/http\/|[-/](service|store|routes)\.ts$/;
  const broken = inObjects().flatMap(file =>
    importsOf(file)
      .filter(({ from, typeOnly }) => !typeOnly && forbidden.test(from))
      .map(({ from }) => `${file} imports ${from}`),
  );
  expect(objects.length).toBeGreaterThan(0);
  expect(broken).toEqual([]);
});

it('keeps clock and chance out of the rules', () => {
  const rules = files.filter(file => partOf(file) && PURE.test(roleOf(file)));
  const impure = rules.filter(file =>
    /Date\.now|new Date\(\)|Math\.random|crypto\./.test(readFileSync(file, 'utf8')),
  );
  expect(rules.length).toBeGreaterThan(0);
  expect(impure).toEqual([]);
});

it('hides nothing behind TypeScript privacy, which RPC does not know', () => {
  expect(objects.filter(file => /^\s+private\s/m.test(readFileSync(file, 'utf8')))).toEqual([]);
});

it('keeps the Worker free of what runs on Node alone', () => {
  const broken = imports.filter(([file, { from }]) => partOf(file) !== 'dev' && partOf(from) === 'dev');
  expect(broken.map(([file]) => file)).toEqual([]);
});
