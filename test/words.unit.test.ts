/** Plain English: the words that are out, in the code, the titles of errors and the documents. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Words a reader who is no native speaker stumbles over. They count as parts of names too: `NOBODY`, `byNobody`. */
const OUT = [
  /whoever/i,
  /whosoever/i,
  /nobody/i,
  /\banew\b/i,
  /\bthemself\b/i,
  /\bfor ever\b/i,
  /\bon (its|their) way\b/i,
  /\bbut for\b/i,
  /\bwherefore\b|\bthereof\b|\bwhereof\b|\bhitherto\b/i,
];

/** Everything that people read or write by hand. */
const READ = ['README.md', '.github/**/*', 'src/**/*.{md,ts,tsx,html,css}'];
/** Folders where the words are still being replaced. */
const LATER = /^src\/(users|accounts)\//;

const GENERATED = ['src/crypto/common-passwords-list.ts', 'src/env.d.ts'];

it('holds no word that is out', () => {
  const files = READ.flatMap(pattern => globSync(pattern)).filter(
    file => !GENERATED.includes(file) && !LATER.test(file) && /\.\w+$/.test(file),
  );
  expect(files.length).toBeGreaterThan(10);
  const found = files.flatMap(file =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        OUT.some(word => word.test(line)) ? [`${file}:${index + 1} ${line.trim()}`] : [],
      ),
  );
  expect(found).toEqual([]);
});
