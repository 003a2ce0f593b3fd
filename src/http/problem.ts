import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError, type RefusalCode, type RefusalDetails, refusals, wireCodeOf } from '../errors.ts';
import { logFault } from '../log.ts';
import { isStorageFault } from '../platform/faults.ts';
import type { AppEnv } from './context.ts';

/** A refusal before it has a form: its status and title, and the problem of RFC 9457 with a stable `code`. */
export interface Problem {
  status: number;
  title: string;
  body: Record<string, unknown>;
}

/** A refusal as it goes over the wire. */
export interface Rendered {
  status: number;
  contentType: string;
  body: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** How the clients of one part read a refusal. */
export type ErrorForm = (problem: Problem, code: RefusalCode, details: RefusalDetails) => Rendered;

/** Which form answers under which addresses. */
export type ErrorForms = readonly (readonly [prefix: RegExp, form: ErrorForm])[];

/** The form of RFC 9457, as it is. */
export function plainForm({ status, body }: Problem): Rendered {
  return { status, contentType: 'application/problem+json', body };
}

/** Turns every refusal and every bug into a response, in the form of the address that was asked. */
export function makeRenderer(forms: ErrorForms) {
  /** One refusal as a response. */
  function renderRefusal(c: Context<AppEnv>, code: RefusalCode, details: RefusalDetails = {}): Response {
    const form = forms.find(([prefix]) => prefix.test(c.req.path))?.[1] ?? plainForm;
    const { status, contentType, body, headers } = form(problemOf(c, code, details), code, details);
    return c.body(JSON.stringify(body), status as ContentfulStatusCode, {
      'Content-Type': contentType,
      ...(status === 401 ? { 'WWW-Authenticate': challenge(code) } : {}),
      ...(status === 503 ? { 'Retry-After': '1' } : {}),
      ...headers,
      ...details.headers,
    });
  }

  /**
   * What was thrown, as a response. A bug is logged whole and answered with a fixed text; a fault of storage is logged, and
   * the client may try again.
   */
  function renderError(error: unknown, c: Context<AppEnv>): Response {
    const refusal = asRefusal(error);
    if (refusal.code === 'internal') logFault('request failed', error);
    else if (refusal.code === 'try_again' && !(error instanceof AppError)) logFault('storage failed', error);
    else
      c.get('deps')?.audit('refused', { code: refusal.code, method: c.req.method, route: c.req.routePath });
    return renderRefusal(c, refusal.code, refusal.details);
  }

  return { renderRefusal, renderError };
}

function asRefusal(error: unknown): { code: RefusalCode; details: RefusalDetails } {
  if (error instanceof AppError) return error;
  if (error instanceof HTTPException && error.status === 400) return { code: 'invalid_json', details: {} };
  if (isStorageFault(error)) return { code: 'try_again', details: {} };
  return { code: 'internal', details: {} };
}

function problemOf(c: Context<AppEnv>, code: RefusalCode, { detail, errors }: RefusalDetails): Problem {
  const [status, title] = refusals[code];
  const body = {
    type: 'about:blank',
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    code: wireCodeOf(code),
    requestId: c.get('requestId'),
    ...(errors ? { errors } : {}),
  };
  return { status, title, body };
}

/** RFC 6750 §3: no error code where no credential was presented. */
function challenge(code: RefusalCode): string {
  if (code === 'invalid_key' || code === 'invalid_signature') return 'ApiKey realm="usher"';
  if (code === 'invalid_credentials') return 'Basic realm="usher", charset="UTF-8"';
  if (code === 'missing_credential' || code === 'auth_token_required') return 'Bearer realm="usher"';
  return `Bearer realm="usher", error="invalid_token", error_description="${refusals[code][1]}"`;
}
