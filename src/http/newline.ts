import { createMiddleware } from 'hono/factory';
import { type AppEnv, configOf } from './context.ts';

/** Ends JSON answers with a newline in development: in a terminal the prompt then begins on a line of its own. */
export const endWithNewline = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const read = configOf(c.env);
  if (!read.ok || !read.config.development || c.req.method === 'HEAD') return;
  const { headers, body, status } = c.res;
  // A file keeps its bytes, whatever type it has.
  const isFile = headers.has('accept-ranges') || headers.has('content-disposition');
  if (body === null || isFile || !/[/+]json\b/.test(headers.get('content-type') ?? '')) return;
  c.res = new Response(`${await c.res.text()}\n`, { status, headers });
});
