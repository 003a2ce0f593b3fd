import { type Problem, plainForm, type Rendered } from '../http/problem.ts';

/** RFC 6749 §5.2: OAuth clients read `error`. They authenticate by Basic, and every 401 says so. */
export function withOAuthError(refused: Problem): Rendered {
  const error =
    refused.status === 401 ? 'invalid_client' : refused.status >= 500 ? 'server_error' : 'invalid_request';
  return {
    ...plainForm({ ...refused, body: { ...refused.body, error, error_description: refused.title } }),
    headers: refused.status === 401 ? { 'WWW-Authenticate': 'Basic realm="usher"' } : {},
  };
}
