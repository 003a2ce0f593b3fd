import { env } from 'cloudflare:workers';
import { createVerifier } from 'fast-jwt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeSigningKey } from '../../src/dev/secrets.ts';
import { call, joinAs, keys, ORIGIN, openRoom, signIn } from '../support/client.ts';
import { deployedWith } from '../support/deployment.ts';

afterEach(() => {
  vi.useRealTimers();
});

const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  call('POST', path, {
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
const basic = `Basic ${btoa(`${keys.accessKey}:${keys.accessSecret}`)}`;
const introspect = (token: string) => form('/oauth2/introspect', { token }, { authorization: basic });
const revoke = (token: string) => form('/oauth2/revoke', { token });

describe('works', () => {
  it('S8 publishes its public keys, cacheable for five minutes, and nothing private', async () => {
    const { status, headers, body } = await call('GET', '/.well-known/jwks.json');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('public, max-age=300');
    expect(body.keys).toHaveLength(2);
    for (const key of body.keys) {
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    }
  });

  it('signs tokens another library verifies against them', async () => {
    const { accessToken } = await signIn('verified-elsewhere');
    const { kid } = JSON.parse(atob(accessToken.split('.')[0] ?? ''));
    const { body } = await call('GET', '/.well-known/jwks.json');
    const jwk = body.keys.find((key: { kid: string }) => key.kid === kid);
    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4): a fixed head, then the 32 bytes.
    const head = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);
    const raw = Uint8Array.from(atob(jwk.x.replaceAll('-', '+').replaceAll('_', '/')), character =>
      character.charCodeAt(0),
    );
    const pem = `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...head, ...raw))}\n-----END PUBLIC KEY-----`;
    const verify = createVerifier({
      key: pem,
      algorithms: ['EdDSA'],
      allowedIss: ORIGIN,
      allowedAud: ORIGIN,
    });
    expect(verify(accessToken)).toMatchObject({ sub: 'verified-elsewhere', iss: ORIGIN });
    const [header, payload, signature = ''] = accessToken.split('.');
    expect(() =>
      verify(`${header}.${payload}.${signature.replace(/^./, c => (c === 'A' ? 'B' : 'A'))}`),
    ).toThrow();
  });

  it('S7 rotates keys: the new one signs, the old one verifies until it is dropped', async () => {
    const before = await signIn('rotating');
    const fresh = await makeSigningKey();
    const old = JSON.parse(env.SIGNING_KEYS).keys;
    const during = deployedWith({ SIGNING_KEYS: JSON.stringify({ keys: [fresh, ...old] }) });
    const after = deployedWith({ SIGNING_KEYS: JSON.stringify({ keys: [fresh] }) });
    const verify = (send: typeof during, token: string) => send('GET', '/api/v5/sessions', { token });
    expect((await verify(during, before.accessToken)).status).toBe(200);
    const { body } = await during('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: before.refreshToken },
    });
    const again = await during('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: before.refreshToken },
    });
    expect(again.body).toEqual(body);
    expect(JSON.parse(atob(body.accessToken.split('.')[0])).kid).toBe(fresh.kid);
    expect((await during('GET', '/.well-known/jwks.json')).body.keys).toHaveLength(3);
    expect((await verify(after, body.accessToken)).status).toBe(200);
    expect((await verify(after, before.accessToken)).status).toBe(401);
  });

  it('introspects every kind of token while it lives (RFC 7662)', async () => {
    const user = await signIn('introspected');
    const room = await openRoom(user);
    const device = (await call('POST', '/api/sessions', { body: { identifier: 'd' } })).body.data.token;
    for (const [token, kind] of [
      [user.accessToken, 'access'],
      [user.refreshToken, 'refresh'],
      [room.token, 'member'],
      [device, 'device'],
    ]) {
      const { status, body } = await introspect(token);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        active: true,
        kind,
        iss: ORIGIN,
        aud: ORIGIN,
        exp: expect.any(Number),
        sid: expect.any(String),
      });
    }
    expect((await introspect(user.accessToken)).body).toMatchObject({ sub: 'introspected', uid: user.uid });
  });

  it('says of whatever is dead or unknown only that it is not active', async () => {
    const user = await signIn('dead-tokens');
    const room = await openRoom(await signIn('dead-tokens-host'));
    const member = await joinAs(user, room);
    const device = (await call('POST', '/api/sessions', { body: { identifier: 'd' } })).body.data.token;
    const { body } = await call('POST', '/api/v5/sessions/refresh', {
      body: { refreshToken: user.refreshToken },
    });
    expect((await introspect(user.refreshToken)).body).toEqual({ active: false });
    expect((await introspect(body.refreshToken)).body.active).toBe(true);
    await call('DELETE', '/api/v5/sessions', { token: user.accessToken });
    await call('DELETE', '/api/sessions/current', { token: device });
    for (const token of [
      user.accessToken,
      body.accessToken,
      body.refreshToken,
      member,
      device,
      'x',
      `${room.token}x`,
    ]) {
      expect(await introspect(token)).toMatchObject({ status: 200, body: { active: false } });
    }
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 });
    expect((await introspect(room.token)).body).toEqual({ active: false });
  });

  it('revokes whatever its bearer holds (RFC 7009), and answers 200 for what it does not know', async () => {
    const [one, two] = [await signIn('revoker'), await signIn('revoker')];
    const room = await openRoom(two);
    const member = await joinAs(await signIn('revoked-member'), room);
    const device = (await call('POST', '/api/sessions', { body: { identifier: 'd' } })).body.data.token;
    for (const token of [one.accessToken, two.refreshToken, member, device]) {
      expect(await revoke(token)).toMatchObject({ status: 200, body: '' });
      expect((await introspect(token)).body).toEqual({ active: false });
    }
    expect((await call('GET', '/api/v5/sessions', { token: two.accessToken })).status).toBe(401);
    for (const token of ['x', one.accessToken, `${member}x`]) expect((await revoke(token)).status).toBe(200);
  });
});

describe('refuses', () => {
  it('a request without a token, and one that is no form', async () => {
    expect(await form('/oauth2/revoke', {})).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect((await form('/oauth2/introspect', {}, { authorization: basic })).status).toBe(400);
    expect((await call('POST', '/oauth2/revoke', { body: { token: 'x' } })).status).toBe(415);
    const large = await form('/oauth2/revoke', { token: 'x'.repeat(70_000) });
    expect(large.status).toBe(413);
  });
});

describe('keeps out', () => {
  it('everybody without a secret key from introspection', async () => {
    const user = await signIn('snoop');
    const token = { token: user.accessToken };
    const nobody = await form('/oauth2/introspect', token);
    expect(nobody).toMatchObject({
      status: 401,
      body: { error: 'invalid_client', error_description: expect.any(String) },
    });
    expect(nobody.headers.get('www-authenticate')).toBe('Basic realm="usher"');
    expect((await form('/oauth2/introspect', token, { authorization: 'Basic eDp5' })).status).toBe(401);
    expect((await form('/oauth2/introspect', token, { 'x-api-key': keys.publishableKey })).status).toBe(401);
    expect(
      (await form('/oauth2/introspect', token, { authorization: `Bearer ${user.accessToken}` })).status,
    ).toBe(403);
  });
});
