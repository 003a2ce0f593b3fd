import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { app } from '../../src/app.ts';
import { type Answer, answerOf, type Call, requestOf } from './client.ts';

/** Requests to a deployment with other settings, over the same storage. */
export function deployedWith(settings: Record<string, unknown>) {
  const bindings = { ...env, ...settings } as Env;
  return async (method: string, path: string, options: Call = {}): Promise<Answer> => {
    const ctx = createExecutionContext();
    const response = await app.fetch(requestOf(method, path, options), bindings, ctx);
    await waitOnExecutionContext(ctx);
    return answerOf(response);
  };
}
