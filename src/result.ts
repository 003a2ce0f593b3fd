/**
 * The answer of a decision: a value, or a refusal named by its code in `errors.ts`. It is plain data, because an error
 * that a Durable Object throws loses its class.
 */
export type Result<T, Code extends string> = { ok: true; value: T } | Refusal<Code>;

export interface Refusal<Code extends string> {
  ok: false;
  code: Code;
  /** How long to wait, where asking again later makes sense. */
  retryAfterMs?: number;
  /** A text for the one who is refused, such as the reason a host gave. */
  detail?: string;
}

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });

export const refuse = <Code extends string>(code: Code, retryAfterMs?: number): Refusal<Code> =>
  retryAfterMs === undefined ? { ok: false, code } : { ok: false, code, retryAfterMs };
