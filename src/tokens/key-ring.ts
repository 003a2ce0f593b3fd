import { errors, importJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { uuid } from '../ids.ts';
import { type Claims, type ClaimsToSign, type TokenKind, tokenClaims, tokenTypes } from './claims.ts';

/** The one algorithm (RFC 8725 §3.1). A token cannot choose another. */
const ALGORITHM = 'EdDSA';

/** How far clocks of different machines may differ where a token is not valid yet. At its end there is no tolerance. */
const SKEW_SECONDS = 5;

const LONGEST_TOKEN = 4096;
const TOKEN_SYNTAX = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const REQUIRED_CLAIMS = ['iss', 'aud', 'sub', 'sid', 'jti', 'iat', 'nbf', 'exp'];

/** A private Ed25519 JWK (RFC 8037) with a `kid`, as `SIGNING_KEYS` lists them. All of them verify. */
export interface SigningJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  kid: string;
  x: string;
  d: string;
}

/** The first one signs. */
export type SigningJwks = readonly [SigningJwk, ...SigningJwk[]];

/** The part of a key that verifiers elsewhere need. */
export type PublicJwk = Omit<SigningJwk, 'd'> & { alg: typeof ALGORITHM; use: 'sig' };

export type Verified<Kind extends TokenKind> = { claims: Claims<Kind>; expired: boolean };

export interface KeyRing {
  /** The key that signs now. */
  signerKid: string;
  /**
   * A token of this kind, issued at `issuedAt` (epoch ms). Ed25519 is deterministic: the same claims, time and
   * key give the same string. `kid` names the key, where it is still in the ring.
   */
  sign<Kind extends TokenKind>(
    kind: Kind,
    claims: ClaimsToSign<Kind>,
    issuedAt: number,
    kid?: string,
  ): Promise<string>;
  /** The public halves, as RFC 7517 and RFC 8037 publish them. */
  publicKeys(): PublicJwk[];
  /**
   * The claims of a token of this kind, or null for anything else: syntax, length, algorithm, `typ`, `kid`,
   * signature, issuer, audience, required claims and times. `now` in epoch ms. Whether the session behind the
   * token still stands is for its object to say.
   */
  verify<Kind extends TokenKind>(kind: Kind, token: string, now: number): Promise<Claims<Kind> | null>;
  /** As `verify`, but an expired token is told apart from a forged one. */
  verifyEvenExpired<Kind extends TokenKind>(
    kind: Kind,
    token: string,
    now: number,
  ): Promise<Verified<Kind> | null>;
}

/** Issuer and audience are both the deployment's `PUBLIC_URL`. */
export function makeKeyRing(jwks: SigningJwks, issuer: string): KeyRing {
  const keys = new Map(jwks.map(jwk => [jwk.kid, jwk]));
  const imported = new Map<string, Promise<CryptoKey>>();
  const [signer] = jwks;

  function keyOf(jwk: SigningJwk, use: 'sign' | 'verify'): Promise<CryptoKey> {
    const name = `${use} ${jwk.kid}`;
    const { d: _, ...publicJwk } = jwk;
    const key =
      imported.get(name) ??
      (importJWK(use === 'sign' ? { ...jwk } : (publicJwk as JWK), ALGORITHM) as Promise<CryptoKey>);
    imported.set(name, key);
    return key;
  }

  async function check(kind: TokenKind, token: string, now: number): Promise<JWTPayload> {
    const { payload } = await jwtVerify(
      token,
      header => {
        const jwk = keys.get(header.kid ?? '');
        if (!jwk) throw new errors.JWKSNoMatchingKey();
        return keyOf(jwk, 'verify');
      },
      {
        algorithms: [ALGORITHM],
        typ: tokenTypes[kind],
        issuer,
        audience: issuer,
        requiredClaims: REQUIRED_CLAIMS,
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(now),
      },
    );
    return payload;
  }

  async function verifyEvenExpired<Kind extends TokenKind>(kind: Kind, token: string, now: number) {
    if (token.length > LONGEST_TOKEN || !TOKEN_SYNTAX.test(token)) return null;
    let payload: JWTPayload;
    try {
      payload = await check(kind, token, now);
    } catch (error) {
      // jose checks `exp` last, after the signature and every other claim.
      if (!(error instanceof errors.JWTExpired)) return null;
      payload = error.payload;
    }
    const claims = tokenClaims[kind].safeParse(payload);
    if (!claims.success) return null;
    return { claims: claims.data as Claims<Kind>, expired: claims.data.exp * 1000 <= now };
  }

  return {
    signerKid: signer.kid,
    async sign(kind, { exp, jti, ...claims }, issuedAt, kid = signer.kid) {
      const jwk = keys.get(kid) ?? signer;
      const seconds = Math.floor(issuedAt / 1000);
      return new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, typ: tokenTypes[kind], kid: jwk.kid })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setJti(jti ?? uuid())
        .setIssuedAt(seconds)
        .setNotBefore(seconds)
        .setExpirationTime(exp)
        .sign(await keyOf(jwk, 'sign'));
    },
    publicKeys: () =>
      jwks.map(({ kty, crv, kid, x }) => ({ kty, crv, kid, x, alg: ALGORITHM, use: 'sig' as const })),
    async verify(kind, token, now) {
      const verified = await verifyEvenExpired(kind, token, now);
      return verified && !verified.expired ? verified.claims : null;
    },
    verifyEvenExpired,
  };
}
