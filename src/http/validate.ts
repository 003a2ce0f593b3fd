import { zValidator } from '@hono/zod-validator';
import type { Context, MiddlewareHandler } from 'hono';
import type { ZodError, ZodType } from 'zod';
import { AppError } from '../errors.ts';
import { readFormBody, readJsonBody } from './body.ts';

interface Outcome {
  success: boolean;
  error?: ZodError | unknown;
}

/** The validated JSON body, as `c.req.valid('json')`. */
export function jsonBody<Schema extends ZodType>(schema: Schema) {
  return afterReading(readJsonBody, zValidator('json', schema, refuseInvalid));
}

/** The validated form (`application/x-www-form-urlencoded`), as `c.req.valid('form')`. */
export function formBody<Schema extends ZodType>(schema: Schema) {
  return afterReading(readFormBody, zValidator('form', schema, refuseInvalid));
}

/** The validated query, as `c.req.valid('query')`. */
export function query<Schema extends ZodType>(schema: Schema) {
  return zValidator('query', schema, refuseInvalid);
}

/** The validated headers, as `c.req.valid('header')`. */
export function headers<Schema extends ZodType>(schema: Schema) {
  return zValidator('header', schema, refuseInvalid);
}

/** The validated path parameters, as `c.req.valid('param')`. */
export function params<Schema extends ZodType>(schema: Schema) {
  return zValidator('param', schema, refuseInvalid);
}

/** The same validation, once the body was read our way: see `body.ts` for what Hono's own reading would bend. */
function afterReading<Validate extends MiddlewareHandler>(
  read: (c: Context) => Promise<void>,
  validate: Validate,
): Validate {
  const handler: MiddlewareHandler = async (c, next) => {
    await read(c);
    return validate(c, next);
  };
  return handler as Validate;
}

function refuseInvalid(outcome: Outcome): void {
  if (outcome.success) return;
  const { issues } = outcome.error as ZodError;
  const errors = issues.map(issue => ({ path: issue.path.join('.'), message: issue.message }));
  throw new AppError('invalid_input', { errors });
}
