import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError, type RefusalCode, type RefusalDetails, refusals, wireCodeOf } from '../errors.ts';
import { logFault } from '../log.ts';
import type { AppEnv } from './context.ts';

/** What a refusal looks like to one surface's own clients. */
interface Rendered {
  status: number;
  contentType: string;
  body: Record<string, unknown>;
}

type Form = (problem: Problem, code: RefusalCode, details: RefusalDetails) => Rendered;
interface Problem {
  status: number;
  title: string;
  body: Record<string, unknown>;
}

/** Which surface an address belongs to, by what its clients read besides the problem itself. */
const forms: [prefix: RegExp, form: Form][] = [
  [/^\/api\/v[345]\//, vendorForm],
  [/^\/(users|uploads)(\/|$)/, withReason],
  [/^\/v1\//, withErrorCode],
  [/^\/api\/sessions(\/|$)/, withError],
  [/^\/oauth2\//, withOAuthError],
];

/** Turns every refusal and every bug into a response: the only place that does. */
export function renderError(error: unknown, c: Context<AppEnv>): Response {
  const refusal = asRefusal(error);
  if (refusal.code === 'internal') logFault('request failed', error);
  else c.get('deps')?.audit('refused', { code: refusal.code, method: c.req.method, route: c.req.routePath });
  return renderRefusal(c, refusal.code, refusal.details);
}

/** One refusal in the form of the surface that was asked. */
export function renderRefusal(c: Context<AppEnv>, code: RefusalCode, details: RefusalDetails = {}): Response {
  const form = forms.find(([prefix]) => prefix.test(c.req.path))?.[1] ?? plain;
  const { status, contentType, body } = form(problem(c, code, details), code, details);
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, {
    'Content-Type': contentType,
    ...(status === 401 ? { 'WWW-Authenticate': challenge(code, c.req.path) } : {}),
    ...(status === 503 ? { 'Retry-After': '1' } : {}),
    ...details.headers,
  });
}

function asRefusal(error: unknown): { code: RefusalCode; details: RefusalDetails } {
  if (error instanceof AppError) return error;
  if (error instanceof HTTPException && error.status === 400) return { code: 'invalid_json', details: {} };
  return { code: 'internal', details: {} };
}

/** RFC 9457, with a stable `code`. */
function problem(c: Context<AppEnv>, code: RefusalCode, { detail, errors }: RefusalDetails): Problem {
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

function plain({ status, body }: Problem): Rendered {
  return { status, contentType: 'application/problem+json', body };
}

/** Surface C's clients look at `error` and `reason`. */
function withReason(refused: Problem): Rendered {
  return plain({ ...refused, body: { ...refused.body, error: true, reason: refused.title } });
}

/** Surface D's clients look at `errorCode` and `message`; nobody is `.anonymous`, whose calls all fail alike. */
function withErrorCode(refused: Problem, code: RefusalCode): Rendered {
  const errorCode = code === 'missing_credential' ? 'missing_privilege' : wireCodeOf(code);
  return plain({ ...refused, body: { ...refused.body, code: errorCode, errorCode, message: refused.title } });
}

/** Surface E's clients look at `error`, and at `validationError` where the input was wrong. */
function withError(refused: Problem, _: RefusalCode, { errors }: RefusalDetails): Rendered {
  const validationError = errors
    ?.map(({ path, message }) => (path ? `${path}: ${message}` : message))
    .join('; ');
  const validation = refused.status === 400 ? { validationError: validationError ?? refused.title } : {};
  return plain({ ...refused, body: { ...refused.body, error: refused.title, ...validation } });
}

/** RFC 6749 §5.2: what an OAuth client looks at. */
function withOAuthError(refused: Problem): Rendered {
  const error =
    refused.status === 401 ? 'invalid_client' : refused.status >= 500 ? 'server_error' : 'invalid_request';
  return plain({ ...refused, body: { ...refused.body, error, error_description: refused.title } });
}

const VENDOR_CODES: Record<number, number> = {
  401: 400100,
  403: 400300,
  404: 400400,
  429: 400311,
  500: 500000,
};

/** Of refusals whose status says too little. */
const OWN_VENDOR_CODES: Partial<Record<RefusalCode, number>> = { banned: 400312 };

/** The form surface A's SDKs read; its validation errors are 422. */
function vendorForm({ status, title }: Problem, code: RefusalCode, details: RefusalDetails): Rendered {
  const contentType = 'application/json';
  if (code === 'invalid_input' && details.errors) {
    const detail = details.errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    return {
      status: 422,
      contentType,
      body: { status: 'error', code: 500000, message: title, data: { detail } },
    };
  }
  const byStatus = VENDOR_CODES[status] ?? (status >= 500 ? 500000 : 400000);
  const data = { detail: details.detail === undefined ? [code] : [code, details.detail] };
  const body = { status: 'error', code: OWN_VENDOR_CODES[code] ?? byStatus, message: title, data };
  return { status, contentType, body };
}

/** RFC 6750 §3: no error code where no credential was presented. */
function challenge(code: RefusalCode, path: string): string {
  // Clients of these authenticate by Basic, and are told so whatever they tried (RFC 6749 §5.2).
  if (path.startsWith('/oauth2/')) return 'Basic realm="usher"';
  if (code === 'invalid_key' || code === 'invalid_signature') return 'ApiKey realm="usher"';
  if (code === 'invalid_credentials') return 'Basic realm="usher", charset="UTF-8"';
  if (code === 'missing_credential' || code === 'wrong_password' || code === 'auth_token_required')
    return 'Bearer realm="usher"';
  return `Bearer realm="usher", error="invalid_token", error_description="${refusals[code][1]}"`;
}
