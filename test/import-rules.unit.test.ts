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

const partOf = (file: string) => /^src\/([^/]+)\/[^/]+$/.exec(file)?.[1] ?? null;
/** `service` of `service.ts` and of `file-service.ts` alike: a part may have its roles twice. */
const roleOf = (file: string) => /([^-/]+)\.ts$/.exec(file)?.[1] ?? '';
const isOwn = (file: string, target: string, roles: RegExp) =>
  partOf(target) === partOf(file) && roles.test(roleOf(target));

/** A part may use parts of its own row and of the rows above it. */
const rows = [
  ['crypto', 'throttle', 'single-use'],
  ['users'],
  ['auth-tokens', 'device-sessions', 'keys', 'uploads'],
  ['accounts', 'wallets', 'identifier-sessions', 'presence', 'live-sessions', 'directory'],
  ['oauth', 'docs', 'console'],
];
const rowOf = (part: string | null) => rows.findIndex(row => row.includes(part ?? ''));

const SHARED = /^src\/(result|ids|errors|log)\.ts$/;
/** Pure files beside `rules.ts`: counting and the like, held to the same rule. */
const PURE = /^(rules|attempts|churn|rotation)$/;

/** What a file of a role may import as values; types may come from anywhere. */
const allowed: Record<string, (file: string, target: string) => boolean> = {
  contract: (file, target) =>
    target === 'zod' || isOwn(file, target, /^rules$/) || /[-/]contract\.ts$/.test(target),
  rules: (file, target) => target === 'src/result.ts' || isOwn(file, target, PURE),
  table: (_, target) => target.startsWith('drizzle-orm') || target === 'src/users/table.ts',
  store: (file, target) => target.startsWith('drizzle-orm') || isOwn(file, target, /^(table|store)$/),
  present: (file, target) =>
    target === 'hono/utils/mime' ||
    isOwn(file, target, /^(contract|rules)$/) ||
    /[-/]present\.ts$/.test(target),
  service: (file, target) =>
    SHARED.test(target) ||
    /^src\/crypto\//.test(target) ||
    /[-/]service\.ts$/.test(target) ||
    isOwn(file, target, /^(rules|store|contract|derive|message)$/),
  routes: (file, target) =>
    target.startsWith('hono') ||
    target === 'src/errors.ts' ||
    target === 'src/users/contract.ts' ||
    /^src\/http\//.test(target) ||
    isOwn(file, target, /^(contract|service|present|events)$/),
};
for (const name of ['attempts', 'churn', 'rotation']) allowed[name] = allowed.rules as never;

const objects = files.filter(file => /extends DurableObject</.test(readFileSync(file, 'utf8')));

it('keeps every file to what its role may know', () => {
  const broken = files.flatMap(file => {
    const mayImport = partOf(file) && partOf(file) !== 'http' ? allowed[roleOf(file)] : undefined;
    return importsOf(file)
      .filter(({ from, typeOnly }) => mayImport && !typeOnly && !mayImport(file, from))
      .map(({ from }) => `${file} imports ${from}`);
  });
  expect(broken).toEqual([]);
});

it('lets parts depend downwards only', () => {
  const broken = files.flatMap(file =>
    importsOf(file)
      .filter(({ from, typeOnly }) => !typeOnly && rowOf(partOf(file)) >= 0 && rowOf(partOf(from)) >= 0)
      .filter(({ from }) => {
        if (partOf(from) === partOf(file)) return false;
        const sibling = rowOf(partOf(from)) === rowOf(partOf(file));
        return (
          rowOf(partOf(from)) > rowOf(partOf(file)) ||
          (sibling && !/^(service|contract|present)$/.test(roleOf(from)))
        );
      })
      .map(({ from }) => `${file} imports ${from}`),
  );
  expect(broken).toEqual([]);
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
  const forbidden = /^(hono|drizzle-orm)|^src\/(db|deps)\.ts$|^src\/http\/|[-/](service|store|routes)\.ts$/;
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
  const broken = files
    .filter(file => partOf(file) !== 'dev')
    .flatMap(file =>
      importsOf(file)
        .filter(({ from }) => partOf(from) === 'dev')
        .map(() => file),
    );
  expect(broken).toEqual([]);
});
