import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError, type RefusalCode, type RefusalDetails, refusals } from '../errors.ts';
import type { AppEnv } from './context.ts';

/** What a refusal looks like to one surface's own clients. */
interface Rendered {
  status: number;
  contentType: string;
  body: Record<string, unknown>;
}

const DEVICE_SESSIONS_SURFACE = /^\/api\/v[345]\//;

/** Turns every refusal and every bug into a response: the only place that does. */
export function renderError(error: unknown, c: Context<AppEnv>): Response {
  const refusal = asRefusal(error);
  if (refusal.code === 'internal') console.error(error);
  else c.get('deps')?.audit('refused', { code: refusal.code, method: c.req.method, route: c.req.routePath });
  return renderRefusal(c, refusal.code, refusal.details);
}

/** One refusal in the form of the surface that was asked. */
export function renderRefusal(c: Context<AppEnv>, code: RefusalCode, details: RefusalDetails = {}): Response {
  const { status, contentType, body } = DEVICE_SESSIONS_SURFACE.test(c.req.path)
    ? vendorForm(code, details)
    : problem(c, code, details);
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, {
    'Content-Type': contentType,
    ...(status === 401 ? { 'WWW-Authenticate': challenge(code) } : {}),
    ...details.headers,
  });
}

function asRefusal(error: unknown): { code: RefusalCode; details: RefusalDetails } {
  if (error instanceof AppError) return error;
  if (error instanceof HTTPException && error.status === 400) return { code: 'invalid_json', details: {} };
  return { code: 'internal', details: {} };
}

/** RFC 9457, with a stable `code`. */
function problem(c: Context<AppEnv>, code: RefusalCode, { detail, errors }: RefusalDetails): Rendered {
  const [status, title] = refusals[code];
  return {
    status,
    contentType: 'application/problem+json',
    body: {
      type: 'about:blank',
      title,
      status,
      ...(detail === undefined ? {} : { detail }),
      code,
      requestId: c.get('requestId'),
      ...(errors ? { errors } : {}),
    },
  };
}

const VENDOR_CODES: Record<number, number> = {
  401: 400100,
  403: 400300,
  404: 400400,
  429: 400311,
  500: 500000,
};

/** The form surface A's SDKs read; its validation errors are 422. */
function vendorForm(code: RefusalCode, { detail, errors }: RefusalDetails): Rendered {
  const [status, title] = refusals[code];
  const contentType = 'application/json';
  if (code === 'invalid_input' && errors) {
    const details = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    const body = { status: 'error', code: 500000, message: title, data: { detail: details } };
    return { status: 422, contentType, body };
  }
  const vendorCode = VENDOR_CODES[status] ?? (status >= 500 ? 500000 : 400000);
  const data = { detail: detail === undefined ? [code] : [code, detail] };
  return { status, contentType, body: { status: 'error', code: vendorCode, message: title, data } };
}

/** RFC 6750 §3: no error code where no credential was presented. */
function challenge(code: RefusalCode): string {
  if (code === 'invalid_key') return 'ApiKey realm="usher"';
  if (code === 'missing_credential' || code === 'wrong_password') return 'Bearer realm="usher"';
  return `Bearer realm="usher", error="invalid_token", error_description="${refusals[code][1]}"`;
}
