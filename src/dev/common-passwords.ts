/**
 * `node src/dev/common-passwords.ts` writes the Worker's list of common passwords, from a package that is kept up to
 * date. With `--check` it only tells whether the list in the repository is up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { dictionary } from '@zxcvbn-ts/language-common';

const LIST_PATH = 'src/crypto/common-passwords-list.ts';

/** In characters. Shorter passwords are refused for their length. */
const SHORTEST = 8;

/**
 * The package has 17,950. The most common 10,000 add 25 KiB to the gzipped bundle; all of them would add 47. The throttle
 * leaves 100 guesses a day at a username, so 10,000 last for months.
 */
const HOW_MANY = 10_000;

const LINE_WIDTH = 100;

const PREAMBLE = `/**
 * The ${HOW_MANY.toLocaleString('en')} most common passwords of at least ${SHORTEST} characters, lower-case, in the form \`common-passwords.ts\` reads.
 * Made by \`node src/dev/common-passwords.ts\` from the package @zxcvbn-ts/language-common (MIT License, copyright
 * (c) 2012-2016 Dan Wheeler and Dropbox, Inc., (c) 2021 @zxcvbn-ts): never edited by hand.
 */
`;

/** The text of the file. The package lists the most common passwords first. */
function writeList(): string {
  const words = dictionary['passwords-common']
    .filter(word => word.length >= SHORTEST)
    .slice(0, HOW_MANY)
    .toSorted();
  // Capitals are counts in this form, and some characters have a meaning in a template literal.
  const unfit = words.find(word => /[^!-~]|[A-Z`\\{]/.test(word));
  if (unfit !== undefined) throw new Error(`The form of the list has no way to say ${unfit}`);
  return `${PREAMBLE}export const commonPasswords = \`\n${foldLines(frontCode(words)).join('\n')}\n\`;\n`;
}

/** Each sorted word as one capital and a rest. The capital counts the characters it shares with the word before. */
function frontCode(words: string[]): string[] {
  return words.map((word, index) => {
    const previous = words[index - 1] ?? '';
    let shared = 0;
    while (shared < 25 && word[shared] === previous[shared]) shared += 1;
    return String.fromCharCode('A'.charCodeAt(0) + shared) + word.slice(shared);
  });
}

function foldLines(entries: string[]): string[] {
  const lines = [''];
  for (const entry of entries) {
    const line = lines.at(-1) ?? '';
    if (line.length + entry.length > LINE_WIDTH) lines.push(entry);
    else lines[lines.length - 1] = line + entry;
  }
  return lines;
}

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
if (!values.check) writeFileSync(LIST_PATH, writeList());
else if (readFileSync(LIST_PATH, 'utf8') !== writeList()) {
  console.error('The list of common passwords is another: run `npx node src/dev/common-passwords.ts`.');
  process.exitCode = 1;
}
