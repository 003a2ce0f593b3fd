/** S39: what browsers ask before they let a page send a request, and what they let it read of the answer. */
import { exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ORIGIN } from '../support/client.ts';

const names = (list: string | null) => (list ?? '').split(/\s*,\s*/).map(name => name.toLowerCase());

function preflight(path: string, method: string, asked: string[], origin = ORIGIN) {
  const headers = {
    Origin: origin,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': asked.join(','),
  };
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, { method: 'OPTIONS', headers }));
}

describe('a page of an allowed origin', () => {
  it.each([
    ['the SDK', '/api/v5/sessions', 'POST', ['content-type', 'set-access-token-cookie', 'x-api-key']],
    [
      'the directory SDK',
      '/v1/users/me',
      'GET',
      ['x-issued-mitter-user-authorization', 'x-mitter-application-id'],
    ],
    ['a conditional request', '/users/me', 'GET', ['authorization', 'if-match', 'if-modified-since']],
    ['a page that was reloaded', '/session/current', 'GET', ['authorization', 'cache-control', 'pragma']],
    ['jQuery', '/users/login', 'POST', ['authorization', 'content-type', 'x-requested-with']],
    ['OpenTelemetry', '/session/join', 'POST', ['baggage', 'traceparent', 'tracestate']],
    ['Sentry', '/api/sessions', 'POST', ['baggage', 'content-type', 'sentry-trace']],
    ['a tool that nobody knows yet', '/uploads', 'POST', ['authorization', 'x-of-tomorrow']],
  ])('may send the headers of %s', async (_, path, method, asked) => {
    const { status, headers } = await preflight(path, method, asked);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(names(headers.get('access-control-allow-headers'))).toEqual(asked);
    expect(names(headers.get('access-control-allow-methods'))).toContain(method.toLowerCase());
    expect(names(headers.get('vary'))).toContain('origin');
  });

  it.each([
    ['a challenge', '/users/me', 'GET', 401, 'www-authenticate'],
    ['the methods there are', '/users/me', 'POST', 405, 'allow'],
  ])('may read %s', async (_, path, method, status, name) => {
    const answer = await exports.default.fetch(`${ORIGIN}${path}`, { method, headers: { Origin: ORIGIN } });
    await answer.body?.cancel();
    expect(answer.status).toBe(status);
    expect(answer.headers.get(name)).toBeTruthy();
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(names(answer.headers.get('access-control-expose-headers'))).toContain(name);
  });
});

it('tells a page of another origin nothing, whatever it asks for', async () => {
  for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`]) {
    const { headers } = await preflight('/api/v5/sessions', 'POST', ['x-api-key', 'x-of-tomorrow'], origin);
    expect([...headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([]);
  }
});
