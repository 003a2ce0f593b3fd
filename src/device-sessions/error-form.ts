import type { RefusalCode, RefusalDetails } from '../errors.ts';
import type { Problem, Rendered } from '../http/problem.ts';

const VENDOR_CODES: Record<number, number> = {
  401: 400100,
  403: 400300,
  404: 400400,
  429: 400311,
  500: 500000,
};

/** Of refusals whose status says too little. */
const OWN_VENDOR_CODES: Partial<Record<RefusalCode, number>> = { banned: 400312 };

/** The form the vendor's SDKs read; its validation errors are 422. */
export function vendorForm({ status, title }: Problem, code: RefusalCode, details: RefusalDetails): Rendered {
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
