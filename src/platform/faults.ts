/**
 * Faults of storage, told from bugs: D1, the Durable Objects and R2 may be overloaded, away or starting again. Whatever
 * a binding throws or rejects with is marked here, and thrown on as it is.
 */
const marked = new WeakSet<Error>();

/** What D1 says of a statement that would fail again, however often it is tried. */
const BUG_OF_A_STATEMENT = /SQLITE_(ERROR|CONSTRAINT|MISMATCH|MISUSE|RANGE|TOOBIG|AUTH)|D1_(TYPE|COLUMN)/;

/** Errors of JavaScript itself, which an object's code throws only by mistake. */
const BUGS_OF_CODE = new Set(['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError']);

/** Calls a binding whose methods answer with promises. */
export async function fromStorage<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw mark(error);
  }
}

/** Calls a binding that answers at once, such as one that makes a stub. */
export function fromBinding<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw mark(error);
  }
}

/** Whether trying again may help: the storage behind the request failed, and the code did not. */
export function isStorageFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Drizzle wraps what a statement was refused with, and names the statement.
  if ('query' in error && error.cause instanceof Error) return !isBug(error.cause);
  return marked.has(error) ? !isBug(error) : isStorageFault(error.cause);
}

function mark(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error('a binding failed', { cause: thrown });
  marked.add(error);
  return error;
}

function isBug(error: Error): boolean {
  const { remote, overloaded, retryable } = error as Error & Record<string, unknown>;
  if (overloaded || retryable) return false;
  return BUG_OF_A_STATEMENT.test(error.message) || (remote === true && BUGS_OF_CODE.has(error.name));
}
