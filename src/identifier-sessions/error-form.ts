import type { RefusalCode, RefusalDetails } from '../errors.ts';
import { type Problem, plainForm, type Rendered } from '../http/problem.ts';

/** Clients of identifier sessions look at `error`, and at `validationError` where the input was wrong. */
export function withError(refused: Problem, _: RefusalCode, { errors }: RefusalDetails): Rendered {
  const validationError = errors
    ?.map(({ path, message }) => (path ? `${path}: ${message}` : message))
    .join('; ');
  const validation = refused.status === 400 ? { validationError: validationError ?? refused.title } : {};
  return plainForm({ ...refused, body: { ...refused.body, error: refused.title, ...validation } });
}
