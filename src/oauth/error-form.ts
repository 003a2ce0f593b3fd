import { type Problem, plainForm, type Rendered } from '../http/problem.ts';

/** RFC 6749 §5.2: OAuth clients look at `error`. They authenticate by Basic, and are told so whatever they tried. */
export function withOAuthError(refused: Problem): Rendered {
  const error =
    refused.status === 401 ? 'invalid_client' : refused.status >= 500 ? 'server_error' : 'invalid_request';
  return {
    ...plainForm({ ...refused, body: { ...refused.body, error, error_description: refused.title } }),
    headers: refused.status === 401 ? { 'WWW-Authenticate': 'Basic realm="usher"' } : {},
  };
}
