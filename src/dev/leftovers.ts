/**
 * What `npm run dev` started and could not end, because it was killed. Each run keeps a note in its state folder: the
 * processes below it, each by its number and the time it started. A later run ends what a note of a dead run names, and
 * nothing else: a number that was given to another process has another time.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Process {
  pid: number;
  /** As `ps` writes it, to the second. */
  startedAt: string;
}

interface Note {
  owner: Process;
  started: Process[];
}

type Table = Map<number, Process & { parent: number }>;

const NOTE_EVERY_MS = 5_000;
/** How long a process may take to end when it is asked to. */
const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Notes what runs below this process, now and from time to time. Gives what takes the note away. */
export function keepNote(state: string): () => void {
  const folder = notesOf(state);
  const file = join(folder, `${process.pid}.json`);
  const write = () => {
    const table = processTable();
    const owner = table.get(process.pid);
    if (!owner) return;
    const note: Note = { owner, started: descendantsOf(process.pid, table) };
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, JSON.stringify(note));
  };
  write();
  const timer = setInterval(write, NOTE_EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    rmSync(file, { force: true });
  };
}

/** Ends what killed runs on this state left behind; gives how many processes. */
export async function endLeftovers(state: string): Promise<number> {
  const folder = notesOf(state);
  let ended = 0;
  for (const name of namesIn(folder)) {
    const note = read(join(folder, name));
    if (note && isAlive(note.owner, processTable())) continue;
    for (const left of note?.started ?? []) if (await end(left)) ended += 1;
    rmSync(join(folder, name), { force: true });
  }
  return ended;
}

const notesOf = (state: string): string => join(state, 'runs');

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): Note | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Asks a process to end, and kills it where it does not. False where it had ended before. */
async function end(left: Process): Promise<boolean> {
  if (!isAlive(left, processTable())) return false;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(left.pid, signal);
    } catch {
      return true;
    }
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      if (!isAlive(left, processTable())) return true;
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
  return true;
}

const isAlive = ({ pid, startedAt }: Process, table: Table): boolean =>
  table.get(pid)?.startedAt === startedAt;

function descendantsOf(pid: number, table: Table): Process[] {
  const children = [...table.values()].filter(({ parent }) => parent === pid);
  return children.flatMap(child => [
    { pid: child.pid, startedAt: child.startedAt },
    ...descendantsOf(child.pid, table),
  ]);
}

/** Every process that runs; empty where there is no `ps`. One that is dead and not yet reaped does not run. */
function processTable(): Table {
  const table: Table = new Map();
  const columns = ['-A', '-o', 'pid=,ppid=,stat=,lstart='];
  let list = '';
  try {
    list = execFileSync('ps', columns, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  } catch {
    return table;
  }
  for (const line of list.split('\n')) {
    const [pid, parent, stat, ...started] = line.trim().split(/\s+/);
    if (stat === undefined || stat.startsWith('Z')) continue;
    table.set(Number(pid), { pid: Number(pid), parent: Number(parent), startedAt: started.join(' ') });
  }
  return table;
}
