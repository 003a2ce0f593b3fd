import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endLeftovers, keepNote } from '../../src/dev/leftovers.ts';

let state: string;
let child: ChildProcess;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'usher-leftovers-'));
  child = spawn('sleep', ['1000']);
  await once(child, 'spawn');
});

afterEach(() => {
  child.kill('SIGKILL');
  rmSync(state, { recursive: true });
});

/** The note of this run, changed. */
function changeNote(change: (note: { owner: object; started: { startedAt: string }[] }) => void): void {
  const file = join(state, 'runs', `${process.pid}.json`);
  const note = JSON.parse(readFileSync(file, 'utf8'));
  change(note);
  writeFileSync(file, JSON.stringify(note));
}

const ofADeadRun = { pid: process.pid, startedAt: 'Thu Jan  1 00:00:00 1970' };

it('leaves what belongs to a run that lives', async () => {
  const remove = keepNote(state);
  expect(await endLeftovers(state)).toBe(0);
  expect(child.exitCode ?? child.signalCode).toBe(null);
  remove();
});

it('ends what a dead run left, once', async () => {
  const remove = keepNote(state);
  changeNote(note => {
    note.owner = ofADeadRun;
  });
  const closed = once(child, 'close');
  expect(await endLeftovers(state)).toBe(1);
  expect(await closed).toEqual([null, 'SIGTERM']);
  expect(await endLeftovers(state)).toBe(0);
  remove();
});

it('leaves a process that was given the number of a dead one', async () => {
  const remove = keepNote(state);
  changeNote(note => {
    note.owner = ofADeadRun;
    for (const each of note.started) each.startedAt = ofADeadRun.startedAt;
  });
  expect(await endLeftovers(state)).toBe(0);
  expect(child.exitCode ?? child.signalCode).toBe(null);
  remove();
});
