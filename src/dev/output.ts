import type { Readable, Writable } from 'node:stream';

/** A warning that a laptop's user can mend nothing about: local crons never run by themselves. */
const FIRST = /Scheduled Workers are not automatically triggered/;
const LAST = /For more details/;

/** Passes wrangler's output on, line by line, without the warning about crons. */
export function passOn(from: Readable, to: Writable): void {
  let rest = '';
  let [inWarning, afterWarning] = [false, false];
  const pass = (line: string) => {
    inWarning ||= FIRST.test(line);
    if (inWarning) {
      if (LAST.test(line)) [inWarning, afterWarning] = [false, true];
      return;
    }
    if (afterWarning && line.trim() === '') return;
    afterWarning = false;
    to.write(`${line}\n`);
  };
  from.setEncoding('utf8');
  from.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) pass(line);
  });
  from.on('end', () => {
    if (rest) pass(rest);
  });
}
