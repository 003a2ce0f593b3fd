/** Writes one event to the log, as one line of JSON. The facts hold no secret and no text of a person. */
export function logEvent(event: string, facts: object): void {
  console.log(JSON.stringify({ event, ...facts }));
}

/**
 * Writes a fault of Usher to the log, without what people sent: a failed query is named by its text, never by its
 * parameters.
 */
export function logFault(what: string, error: unknown): void {
  const { name, message, stack, cause, query } = (error instanceof Error ? error : {}) as Error & {
    query?: string;
  };
  const said = query === undefined ? (message ?? String(error)) : `query failed: ${query}`;
  const because = cause instanceof Error ? cause.message : undefined;
  // A stack begins with the message, which may quote parameters. Only its places are written.
  const at = stack
    ?.split('\n')
    .filter(line => /^\s+at /.test(line))
    .slice(0, 8);
  console.error(JSON.stringify({ event: 'fault', what, name, said, because, at }));
}
