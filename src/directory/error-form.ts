import { type RefusalCode, wireCodeOf } from '../errors.ts';
import { type Problem, plainForm, type Rendered } from '../http/problem.ts';

/**
 * Clients of the directory look at `errorCode` and `message`. A call without a credential is one by `.anonymous`, who has
 * no privilege at all.
 */
export function withErrorCode(refused: Problem, code: RefusalCode): Rendered {
  const errorCode = code === 'missing_credential' ? 'missing_privilege' : wireCodeOf(code);
  const body = { ...refused.body, code: errorCode, errorCode, message: refused.title };
  return plainForm({ ...refused, body });
}
