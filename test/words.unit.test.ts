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
  /\bon (its|their|his|her|the) way\b/i,
  /\bbut for\b/i,
  /\bwherefore\b|\bthereof\b|\bwhereof\b|\bhitherto\b/i,
];

/** Where the words are gone for good. It grows until it is everything. */
const CLEAN = ['README.md', 'src/README.md', 'src/docs/**/*.md', '.github/**/*.md', 'src/dev/**/*.ts'];

const GENERATED = ['src/crypto/common-passwords-list.ts', 'src/env.d.ts'];

it('holds no word that is out', () => {
  const files = CLEAN.flatMap(pattern => globSync(pattern)).filter(file => !GENERATED.includes(file));
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
