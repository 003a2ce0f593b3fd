/** What every surface shares: bodies, errors, headers, origins, methods. */
import { env, exports } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { app } from '../../src/app.ts';
import { call, keys, ORIGIN, openRoom, signIn, trips } from '../support/client.ts';

const user = await signIn('common');
const join = (body: unknown, headers: Record<string, string> = {}) =>
  call('POST', '/session/join', { token: user.accessToken, body, headers });

describe('bodies', () => {
  it.each([
    ['malformed JSON', '{"sessionId":', 400, 'invalid_json'],
    ['two values', '{} {}', 400, 'invalid_json'],
    ['a lone surrogate', '{"sessionId":"\\ud800"}', 400, 'invalid_json'],
    ['a lone surrogate in a name', '{"sessionId":"x","\\udc00":1}', 400, 'invalid_json'],
    [
      'invalid UTF-8',
      new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
      400,
      'invalid_json',
    ],
    ['more than 32 levels', `{"sessionId":${'['.repeat(32)}${']'.repeat(32)}}`, 400, 'invalid_json'],
    [
      'more than 32 levels of something',
      `{"sessionId":${'['.repeat(32)}1${']'.repeat(32)}}`,
      400,
      'invalid_json',
    ],
    ['levels without an end', '['.repeat(60_000), 400, 'invalid_json'],
    ['more than 64 KiB', JSON.stringify({ sessionId: 'x'.repeat(65_536) }), 413, 'body_too_large'],
    ['an empty body', '', 400, 'invalid_input'],
    ['null', 'null', 400, 'invalid_input'],
    ['a wrong type', '{"sessionId":7}', 400, 'invalid_input'],
  ])('refuse %s', async (_, body, status, code) => {
    expect(await join(body)).toMatchObject({ status, body: { code, status } });
  });

  it('are counted on the stream, whatever length is claimed', async () => {
    const body = () =>
      new ReadableStream({
        start(controller) {
          for (let chunk = 0; chunk < 70; chunk += 1) controller.enqueue(new Uint8Array(1024).fill(0x20));
          controller.close();
        },
      });
    expect((await join(body())).status).toBe(413);
    expect((await join(body(), { 'content-length': '2' })).status).toBe(413);
  });

  it('must be declared JSON, if there is one', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'application/x+y+json',
      'multipart/form-data',
    ]) {
      expect((await join('{"sessionId":"x"}', { 'content-type': type })).status).toBe(415);
    }
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/vnd.api+json']) {
      expect((await join('{"sessionId":"x"}', { 'content-type': type })).status).toBe(404);
    }
    const create = { key: keys.publishableKey, token: user.accessToken };
    expect((await call('POST', '/session', create)).status).toBe(200);
    expect(
      (await call('POST', '/session', { ...create, body: '', headers: { 'content-type': 'text/plain' } }))
        .status,
    ).toBe(200);
  });

  it('let the last of duplicate names count, ignore unknown ones, and never touch a prototype', async () => {
    expect(
      (
        await join(
          '{"sessionId":7,"sessionId":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
        )
      ).status,
    ).toBe(404);
    expect(({} as { polluted?: number }).polluted).toBe(undefined);
  });

  it('take exactly 64 KiB, and 32 levels', async () => {
    const frame = '{"sessionId":"x","pad":""}';
    const full = frame.replace('""', `"${'x'.repeat(65_536 - frame.length)}"`);
    expect(full.length).toBe(65_536);
    expect((await join(full)).status).toBe(404);
    expect((await join(`{"sessionId":"x","pad":${'['.repeat(31)}${']'.repeat(31)}}`)).status).toBe(404);
  });
});

describe('answers', () => {
  const everywhere: [string, string, number][] = [
    ['GET', '/health', 200],
    ['GET', '/nowhere', 404],
    ['PUT', '/health', 405],
    ['GET', '/session/current', 401],
    ['GET', '/api/v5/sessions', 401],
    ['GET', '/api/v5/nowhere', 404],
    ['POST', '/session/join', 401],
  ];

  it.each(everywhere)('%s %s carries the security headers', async (method, path, status) => {
    const answer = await call(method, path);
    expect(answer.status).toBe(status);
    const { headers } = answer;
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{7,}/);
    expect(headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    expect(headers.get('server-timing')).toContain('d1;desc="0"');
    expect(headers.get('set-cookie')).toBe(null);
  });

  it('name problems by RFC 9457, with a code and the request', async () => {
    const { headers, body } = await call('GET', '/session/current', {
      headers: { 'x-request-id': 'my-id_1' },
    });
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('x-request-id')).toBe('my-id_1');
    expect(headers.get('www-authenticate')).toBe('Bearer realm="usher"');
    expect(body).toEqual({
      type: 'about:blank',
      title: expect.any(String),
      status: 401,
      code: 'missing_credential',
      requestId: 'my-id_1',
    });
    const replaced = await call('GET', '/health', { headers: { 'x-request-id': 'not well formed' } });
    expect(replaced.headers.get('x-request-id')).not.toContain(' ');
  });

  it('S9 tell a bad token from a missing one (RFC 6750)', async () => {
    const { headers } = await call('GET', '/session/current', { token: 'a.b.c' });
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('take the form of the vendor under /api/v3, v4 and v5', async () => {
    for (const version of ['v3', 'v4', 'v5']) {
      expect(await call('GET', `/api/${version}/nowhere`)).toMatchObject({
        status: 404,
        body: { status: 'error', code: 400400 },
      });
      expect(await call('PUT', `/api/${version}/sessions`)).toMatchObject({
        status: 405,
        body: { status: 'error', code: 400000 },
      });
    }
  });

  it('name the methods an address has', async () => {
    const { status, headers } = await call('PUT', '/session/current');
    expect(status).toBe(405);
    expect(headers.get('allow')?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH']);
  });

  it('S40 say nothing of what went wrong inside', async () => {
    const broken = {
      ...env,
      SIGN_IN_LIMIT: { limit: () => Promise.reject(new Error('SELECT secret FROM /etc/passwd')) },
    };
    const ctx = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
    const request = new Request(`${ORIGIN}/api/v5/sessions`, { method: 'POST' });
    const response = await app.fetch(request, broken as never, ctx as never);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      status: 'error',
      code: 500000,
      message: 'Something went wrong on our side',
      data: { detail: ['internal'] },
    });
  });
});

describe('in development', () => {
  const raw = async (path: string, changes: Record<string, string> = {}) => {
    const answer = await app.fetch(new Request(`${ORIGIN}${path}`), { ...env, ...changes } as never);
    return answer.text();
  };

  it('ends JSON with a newline, for terminals; a deployment does not', async () => {
    expect(await raw('/health')).toBe('{"status":"ok"}\n');
    expect(await raw('/nowhere')).toMatch(/\}\n$/);
    const deployed = { ENVIRONMENT: 'production', PUBLIC_URL: 'https://usher.example' };
    expect(await raw('/health', deployed)).toBe('{"status":"ok"}');
  });

  it('leaves the bytes of a JSON file as they are', async () => {
    const { accessToken: token } = await signIn('writes-json');
    const headers = { 'content-type': 'application/json', 'content-length': '2' };
    const { body } = await call('POST', '/uploads', { token, headers, body: '{}' });
    expect(await raw(`/uploads/${body.name}`)).toBe('{}');
  });

  it('says at the root what this is and where to go on', async () => {
    const { status, headers, body } = await call('GET', '/');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/html');
    for (const [, path = ''] of body.matchAll(/href="([^"]+)"/g)) {
      expect((await call('GET', path)).status).toBe(200);
    }
    expect(body).toContain('npm run -s keys');
  });
});

describe('origins', () => {
  const preflight = (Origin: string) =>
    exports.default.fetch(
      new Request(`${ORIGIN}/session`, {
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'authorization',
        },
      }),
    );

  it('are allowed exactly (S39)', async () => {
    const allowed = await preflight(ORIGIN);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(allowed.headers.get('access-control-allow-credentials')).toBe(null);
    for (const origin of [
      'null',
      'https://evil.example',
      `${ORIGIN}.evil.example`,
      'http://localhost',
      'http://localhost:87870',
    ]) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBe(null);
    }
  });

  it('know this machine by each of its names in development, on the port that is allowed', async () => {
    for (const origin of ['http://127.0.0.1:8787', 'http://[::1]:8787']) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBe(origin);
    }
    for (const origin of ['http://127.0.0.1:8788', 'https://127.0.0.1:8787', 'http://127.0.0.2:8787']) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBe(null);
    }
  });

  it('are named in one line of the log where a preflight of theirs is refused (S48)', async () => {
    const said = vi.spyOn(console, 'log').mockImplementation(() => {});
    for (const origin of ['https://evil.example', 'a canary, no origin', ORIGIN]) await preflight(origin);
    const lines = said.mock.calls.map(([line]) => JSON.parse(line));
    said.mockRestore();
    const refused = lines.filter(({ code }) => code === 'origin_not_allowed');
    expect(refused.map(({ event, origin }) => [event, origin])).toEqual([
      ['refused', 'https://evil.example'],
      ['refused', 'malformed'],
    ]);
  });
});

describe('a deployment that is not configured', () => {
  it.each(['SIGNING_KEYS', 'MASTER_SECRETS', 'PUBLIC_URL'])('refuses to serve without %s', async name => {
    const bare = {
      ...env,
      ENVIRONMENT: 'production',
      PUBLIC_URL: 'https://usher.example',
      [name]: undefined,
    };
    for (const path of ['/health', '/session/current', '/api/v5/sessions']) {
      const response = await app.fetch(new Request(`${ORIGIN}${path}`), bare as never);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBeTruthy();
      expect(await response.text()).not.toContain(name);
    }
  });
});

it('an address that asks too often gets 429 with the policy', async () => {
  const closed = { ...env, JOIN_LIMIT: { limit: async () => ({ success: false }) } };
  const request = new Request(`${ORIGIN}/session/join`, { method: 'POST' });
  const response = await app.fetch(request, closed as never);
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('60');
  expect(response.headers.get('ratelimit')).toBe('"join-limit";r=0;t=60');
  expect(response.headers.get('ratelimit-policy')).toBe('"join-limit";q=600;w=60');
});

it('takes the address of CF-Connecting-IP, and of nothing a client may say (S41)', async () => {
  const asked: string[] = [];
  const noting = {
    ...env,
    JOIN_LIMIT: {
      limit: async ({ key }: { key: string }) => {
        asked.push(key);
        return { success: false };
      },
    },
  };
  const headers = {
    'cf-connecting-ip': '203.0.113.7',
    'x-forwarded-for': '198.51.100.1',
    'x-real-ip': '198.51.100.2',
  };
  await app.fetch(new Request(`${ORIGIN}/session/join`, { method: 'POST', headers }), noting as never);
  expect(asked[0]).toMatch(/^203\.0\.113\.7 /);
});

describe('Server-Timing tells the trips the design allows', () => {
  it('for device sessions', async () => {
    const known = { key: keys.publishableKey, body: { userId: 'common', deviceId: 'd', displayName: 'One' } };
    const renamed = { ...known, body: { ...known.body, displayName: 'Two' } };
    const made = { ...known, body: { ...known.body, userId: 'new-user' } };
    await call('POST', '/api/v5/sessions', known);
    expect(trips(await call('POST', '/api/v5/sessions', known))).toEqual([1, 1]);
    expect(trips(await call('POST', '/api/v5/sessions', renamed))).toEqual([2, 1]);
    expect(trips(await call('POST', '/api/v5/sessions', made))).toEqual([2, 1]);
    expect(trips(await call('GET', '/api/v5/sessions', { token: user.accessToken }))).toEqual([0, 1]);
  });

  it('for live sessions', async () => {
    const other = await signIn('common-other');
    const room = await openRoom(user);
    const created = await call('POST', '/session', { key: keys.publishableKey, token: user.accessToken });
    expect(trips(created)).toEqual([0, 2]);
    const joined = await call('POST', '/session/join', {
      token: other.accessToken,
      body: { sessionId: room.sessionId },
    });
    expect(trips(joined)).toEqual([0, 2]);
    const { token } = joined.body.credentials;
    expect(trips(await call('GET', '/session/current', { token }))).toEqual([0, 1]);
    expect(trips(await call('POST', '/session/disconnect', { token }))).toEqual([0, 1]);
    const kick = { token: room.token, body: { userId: 'common-other' } };
    expect(trips(await call('POST', '/session/current/kick', kick))).toEqual([0, 1]);
    expect(trips(await call('DELETE', '/session/current', { token: room.token }))).toEqual([0, 1]);
  });
});
