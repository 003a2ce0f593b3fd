import { type Problem, plainForm, type Rendered } from '../http/problem.ts';

/** Clients of accounts and uploads look at `error` and `reason`. */
export function withReason(refused: Problem): Rendered {
  return plainForm({ ...refused, body: { ...refused.body, error: true, reason: refused.title } });
}
