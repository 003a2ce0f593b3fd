import { zValidator } from '@hono/zod-validator';
import type { Context, MiddlewareHandler } from 'hono';
import { validator } from 'hono/validator';
import type { ZodError, ZodType, z } from 'zod';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { readFormBody, readJsonBody } from './body.ts';
import type { AppEnv } from './context.ts';

interface Outcome {
  success: boolean;
  error?: ZodError | unknown;
}

/**
 * The validated JSON body, as `c.req.valid('json')`. A schema that depends on the deployment's settings is given as a
 * function of them; it is made once an isolate.
 */
export function jsonBody<Schema extends ZodType>(schema: Schema | ((config: Config) => Schema)) {
  if (typeof schema !== 'function') return afterReading(readJsonBody, jsonValidator(schema));
  const validators = new WeakMap<Config, ReturnType<typeof jsonValidator<Schema>>>();
  const validate: MiddlewareHandler<AppEnv> = (c, next) => {
    const { config } = c.get('deps');
    const validator = validators.get(config) ?? jsonValidator(schema(config));
    validators.set(config, validator);
    return (validator as MiddlewareHandler)(c, next);
  };
  return afterReading(readJsonBody, validate as unknown as ReturnType<typeof jsonValidator<Schema>>);
}

const jsonValidator = <Schema extends ZodType>(schema: Schema) => zValidator('json', schema, refuseInvalid);

/** The validated form (`application/x-www-form-urlencoded`), as `c.req.valid('form')`. */
export function formBody<Schema extends ZodType>(schema: Schema) {
  return afterReading(readFormBody, zValidator('form', schema, refuseInvalid));
}

/** The validated query, as `c.req.valid('query')`. */
export function query<Schema extends ZodType>(schema: Schema) {
  return zValidator('query', schema, refuseInvalid);
}

/** The validated query with every value of each member in a list, as `c.req.valid('query')`. */
export function queries<Schema extends ZodType<unknown, Record<string, string[]>>>(schema: Schema) {
  return validator('query', (_, c) => {
    const read = schema.safeParse(c.req.queries());
    refuseInvalid(read);
    return read.data as z.output<Schema>;
  });
}

/** The validated headers, as `c.req.valid('header')`. */
export function headers<Schema extends ZodType>(schema: Schema) {
  return zValidator('header', schema, refuseInvalid);
}

/** The validated path parameters, as `c.req.valid('param')`. */
export function params<Schema extends ZodType>(schema: Schema) {
  return zValidator('param', schema, refuseInvalid);
}

/** The same validation, after the body was read by `body.ts`, which says why Hono does not read it. */
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
