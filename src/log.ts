/** Says in the log that something happened: one line of JSON. No secret, and no text of a person, is ever among the facts. */
export function logEvent(event: string, facts: object): void {
  console.log(JSON.stringify({ event, ...facts }));
}

/**
 * Says in the log that something went wrong on our side, without what people sent us: a failed query is named by its
 * text and never by its parameters.
 */
export function logFault(what: string, error: unknown): void {
  const { name, message, stack, cause, query } = (error instanceof Error ? error : {}) as Error & {
    query?: string;
  };
  const said = query === undefined ? (message ?? String(error)) : `query failed: ${query}`;
  const because = cause instanceof Error ? cause.message : undefined;
  // A stack begins with the message, which may quote parameters: only where it happened is told.
  const at = stack
    ?.split('\n')
    .filter(line => /^\s+at /.test(line))
    .slice(0, 8);
  console.error(JSON.stringify({ event: 'fault', what, name, said, because, at }));
}
