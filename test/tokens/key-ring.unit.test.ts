import { createHmac } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { makeSigningKey } from '../../src/dev/secrets.ts';
import { type TokenKind, tokenTypes } from '../../src/tokens/claims.ts';
import { makeKeyRing } from '../../src/tokens/key-ring.ts';

const ISSUER = 'https://usher.example';
const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const [oldKey, newKey, foreignKey] = await Promise.all([
  makeSigningKey(),
  makeSigningKey(),
  makeSigningKey(),
]);
const ring = makeKeyRing([oldKey], ISSUER);
const claims = { sub: 'ada', uid: 1, sid: 'device-session', exp: SECONDS + 60 };
const all = { ...claims, iss: ISSUER, aud: ISSUER, jti: 'one', iat: SECONDS, nbf: SECONDS };

/** A token made by hand: right but for what the test changes. */
async function forge(payload: Record<string, unknown>, header: Record<string, unknown> = {}, key = oldKey) {
  const protectedHeader = { alg: 'EdDSA', typ: tokenTypes.access, kid: oldKey.kid, ...header };
  return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(await importJWK({ ...key }, 'EdDSA'));
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const verify = (token: string, now = NOW) => ring.verify('access', token, now);

it('takes a whole token, its own and one made by hand', async () => {
  expect(await verify(await ring.sign('access', claims, NOW))).toMatchObject(claims);
  expect(await verify(await forge(all))).toMatchObject(claims);
});

describe('S1 one algorithm', () => {
  it('refuses none and HS256 signed with the public key', async () => {
    const body = encode(all);
    const none = `${encode({ alg: 'none', typ: 'at+jwt', kid: oldKey.kid })}.${body}.`;
    const head = encode({ alg: 'HS256', typ: 'at+jwt', kid: oldKey.kid });
    const mac = createHmac('sha256', Buffer.from(oldKey.x, 'base64url'))
      .update(`${head}.${body}`)
      .digest('base64url');
    expect(await verify(none)).toBe(null);
    expect(await verify(`${none}AAAA`)).toBe(null);
    expect(await verify(`${head}.${body}.${mac}`)).toBe(null);
  });
});

it('S2 takes a token for nothing but its own kind', async () => {
  const kinds = Object.keys(tokenTypes) as TokenKind[];
  for (const kind of kinds) {
    const token = await ring.sign(
      kind,
      { ...claims, live: 'live', mid: 'mid', session: 's', identifier: 'i' } as never,
      NOW,
    );
    const taken = await Promise.all(
      kinds.map(async other => ((await ring.verify(other, token, NOW)) ? other : null)),
    );
    expect(taken.filter(Boolean)).toEqual([kind]);
  }
});

describe('S3 the key', () => {
  it('must be in the ring', async () => {
    expect(await verify(await forge(all, {}, foreignKey))).toBe(null);
    expect(await verify(await forge(all, { kid: foreignKey.kid }, foreignKey))).toBe(null);
    expect(await verify(await forge(all, { kid: undefined }))).toBe(null);
    expect(await verify(await forge(all, { kid: '../../etc/passwd' }))).toBe(null);
    expect(await verify(await forge(all, { kid: 'x'.repeat(10_000) }))).toBe(null);
  });

  it('is never taken from the token itself', async () => {
    const { d: _, ...jwk } = foreignKey;
    for (const kid of [oldKey.kid, foreignKey.kid]) {
      expect(await verify(await forge(all, { kid, jwk }, foreignKey))).toBe(null);
      expect(await verify(await forge(all, { kid, jku: 'https://evil.example/jwks' }, foreignKey))).toBe(
        null,
      );
      expect(await verify(await forge(all, { kid, x5u: 'https://evil.example/cert' }, foreignKey))).toBe(
        null,
      );
    }
  });
});

describe('S4 claims', () => {
  it.each(['iss', 'aud', 'sub', 'sid', 'jti', 'iat', 'nbf', 'exp', 'uid'])('requires %s', async claim => {
    expect(await verify(await forge({ ...all, [claim]: undefined }))).toBe(null);
  });

  it.each([
    ['iss', 'https://other.example'],
    ['aud', 'https://other.example'],
    ['uid', '1'],
    ['uid', -1],
    ['sub', ''],
    ['exp', '2099-01-01'],
  ])('refuses %s = %j', async (claim, value) => {
    expect(await verify(await forge({ ...all, [claim]: value }))).toBe(null);
  });
});

describe('S5 times', () => {
  it('ends at the exact second', async () => {
    const token = await forge(all);
    expect(await verify(token, NOW + 59_999)).not.toBe(null);
    expect(await verify(token, NOW + 60_000)).toBe(null);
  });

  it('begins at most 5 s before nbf', async () => {
    const token = await forge({ ...all, nbf: SECONDS + 10 });
    expect(await verify(token, NOW + 4_999)).toBe(null);
    expect(await verify(token, NOW + 5_000)).not.toBe(null);
  });

  it('tells a token that is merely too old from a forged one', async () => {
    const later = NOW + 3_600_000;
    expect(await ring.verifyEvenExpired('access', await forge(all), later)).toMatchObject({ expired: true });
    expect(await ring.verifyEvenExpired('access', await forge(all, {}, foreignKey), later)).toBe(null);
    expect(await ring.verifyEvenExpired('member', await forge(all), later)).toBe(null);
  });
});

it('S6 looks at length and syntax first', async () => {
  const token = await forge(all);
  for (const other of [
    '',
    'a.b',
    'a.b.c.d',
    `${token}=`,
    ` ${token}`,
    `${token}\n`,
    `${token}.`,
    'x'.repeat(1e6),
  ]) {
    expect(await verify(other)).toBe(null);
  }
  expect(await verify(await forge({ ...all, padding: 'x'.repeat(5_000) }))).toBe(null);
});

it('S7 rotates: the new key signs while the old verifies, and the old is gone once removed', async () => {
  const during = makeKeyRing([newKey, oldKey], ISSUER);
  const after = makeKeyRing([newKey], ISSUER);
  const before = await ring.sign('access', claims, NOW);
  const fresh = await during.sign('access', claims, NOW);
  expect(await during.verify('access', before, NOW)).not.toBe(null);
  expect(await during.verify('access', fresh, NOW)).not.toBe(null);
  expect(await after.verify('access', fresh, NOW)).not.toBe(null);
  expect(await after.verify('access', before, NOW)).toBe(null);
  expect(await verify(fresh)).toBe(null);
});
