import { createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import type { MasterSecret, MasterSecrets } from './crypto/derive.ts';
import { isPublicHost } from './http/local-host.ts';
import { fromBase64 } from './ids.ts';
import { DAY_MS } from './times.ts';
import type { SigningJwk, SigningJwks } from './tokens/key-ring.ts';

/** A deployment's settings, checked. README.md explains each of them. */
export interface Config {
  development: boolean;
  /** Origin of the deployment, without a trailing slash: issuer and audience of every token. */
  publicUrl: string;
  signingKeys: SigningJwks;
  masterSecrets: MasterSecrets;
  /** What the hashes of retired names rest on. No version ever leaves this ring: its hashes could not be made again. */
  namePeppers: MasterSecrets;
  networkMode: 'open' | 'secure';
  allowedOrigins: readonly string[];
  /** Whether pages of any port of this machine may call. Only in development. */
  localOrigins: boolean;
  accessTokenMs: number;
  refreshAbsoluteMs: number;
  refreshIdleMs: number;
  identifierSessionMs: number;
  maxSessionMegabytes: number;
  maxFileBytes: number;
  /** How much one user may upload in 24 hours. */
  uploadBytesPerDay: number;
  /** Whether a nonce is given without naming the wallet. Then only the person, and no wallet, sees a foreign domain. */
  plainWalletChallenge: boolean;
  /** The RPC that is asked about contract wallets; null: only keys can sign. */
  ethereumRpcUrl: string | null;
  /** Who may make a user without a secret key: everyone, no one, or people with a registration code. */
  registration: 'open' | 'closed' | 'code';
  /** How long the username of an erased user cannot be taken. */
  usernameRestMs: number;
  serverTiming: boolean;
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; problems: string[] };

/** A secret from a real generator has many different bytes. A repeated or typed one has few. */
const FEWEST_DIFFERENT_BYTES = 16;
const SECRET_BYTES = 32;

const signingKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1).max(100),
  x: z.string(),
  d: z.string().refine(isRandomKey, 'must be 32 random bytes in base64url'),
});

const signingKeys = z.object({
  keys: z
    .array(signingKey)
    .min(1, 'needs at least one key')
    .transform(keys => keys as [SigningJwk, ...SigningJwk[]])
    .refine(keys => keys.every(isWholeKey), 'has a key whose x does not belong to its d')
    .refine(keys => new Set(keys.map(key => key.kid)).size === keys.length, 'uses a kid twice'),
});

function isRandomKey(text: string): boolean {
  const bytes = fromBase64(text);
  return bytes?.length === SECRET_BYTES && new Set(bytes).size >= FEWEST_DIFFERENT_BYTES;
}

/** Whether the public half belongs to the private one. Otherwise no verifier could check its signatures. */
function isWholeKey(jwk: SigningJwk): boolean {
  try {
    return (
      createPublicKey(createPrivateKey({ key: { ...jwk }, format: 'jwk' })).export({ format: 'jwk' }).x ===
      jwk.x
    );
  } catch {
    return false;
  }
}

/** A year: a token that lives longer is no setting that can be meant. */
const LONGEST_LIFE_SECONDS = 365 * 86_400;

const seconds = (standard: number) =>
  z.coerce
    .number()
    .int()
    .min(60)
    .max(LONGEST_LIFE_SECONDS, 'must be at most 31536000 seconds, a year')
    .default(standard)
    .transform(value => value * 1000);

const schema = (development: boolean) =>
  z.object({
    PUBLIC_URL: development
      ? originUrl(development).default('http://localhost:8787')
      : originUrl(development),
    SIGNING_KEYS: z
      .string({ error: 'is missing: a private JWKS with an Ed25519 key' })
      .transform(parseJson)
      .pipe(signingKeys),
    MASTER_SECRETS: z
      .string({ error: 'is missing: a ring such as "1:<32 random bytes in base64url>"' })
      .transform(parseRing),
    NAME_PEPPERS: z.string().transform(parseRing).optional(),
    NETWORK_MODE: z.enum(['open', 'secure']).default('secure'),
    ALLOWED_ORIGINS: z
      .string()
      .transform((text, context) => parseOrigins(text, development, context))
      .optional(),
    LOCAL_ORIGINS: z
      .enum(['on', 'off'])
      .refine(value => development || value === 'off', 'is for development only')
      .default('off'),
    ACCESS_TOKEN_SECONDS: seconds(3600),
    REFRESH_ABSOLUTE_SECONDS: seconds(30 * 86_400),
    REFRESH_IDLE_SECONDS: seconds(7 * 86_400),
    IDENTIFIER_SESSION_SECONDS: seconds(600),
    MAX_FILE_BYTES: z.coerce.number().int().min(1).default(100_000_000),
    UPLOAD_BYTES_PER_DAY: z.coerce.number().int().min(0).default(500_000_000),
    MAX_SESSION_MEGABYTES: z.coerce.number().int().min(0).default(10_240),
    PLAIN_WALLET_CHALLENGE: z.enum(['on', 'off']).default(development ? 'on' : 'off'),
    ETHEREUM_RPC_URL: z
      .url({ protocol: development ? /^https?$/ : /^https$/, error: 'must be an https address' })
      .optional(),
    REGISTRATION: z.enum(['open', 'closed', 'code']).default(development ? 'open' : 'closed'),
    USERNAME_REST_DAYS: z.coerce.number().int().min(0).max(3650).default(30),
    SERVER_TIMING: z.enum(['on', 'off']).default(development ? 'on' : 'off'),
  });

/** Reads and checks the settings. Names every faulty setting at once. */
export function readConfig(env: Record<string, unknown>): ConfigResult {
  const development = env.ENVIRONMENT === 'development';
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const read = schema(development).safeParse(present);
  if (!read.success) {
    return {
      ok: false,
      problems: read.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`),
    };
  }
  const settings = read.data;
  return {
    ok: true,
    config: {
      development,
      publicUrl: settings.PUBLIC_URL,
      signingKeys: settings.SIGNING_KEYS.keys,
      masterSecrets: settings.MASTER_SECRETS,
      namePeppers: settings.NAME_PEPPERS ?? settings.MASTER_SECRETS,
      networkMode: settings.NETWORK_MODE,
      allowedOrigins: settings.ALLOWED_ORIGINS ?? (development ? [settings.PUBLIC_URL] : []),
      localOrigins: settings.LOCAL_ORIGINS === 'on',
      accessTokenMs: settings.ACCESS_TOKEN_SECONDS,
      refreshAbsoluteMs: settings.REFRESH_ABSOLUTE_SECONDS,
      refreshIdleMs: settings.REFRESH_IDLE_SECONDS,
      identifierSessionMs: settings.IDENTIFIER_SESSION_SECONDS,
      maxSessionMegabytes: settings.MAX_SESSION_MEGABYTES,
      maxFileBytes: settings.MAX_FILE_BYTES,
      uploadBytesPerDay: settings.UPLOAD_BYTES_PER_DAY,
      plainWalletChallenge: settings.PLAIN_WALLET_CHALLENGE === 'on',
      ethereumRpcUrl: settings.ETHEREUM_RPC_URL ?? null,
      registration: settings.REGISTRATION,
      usernameRestMs: settings.USERNAME_REST_DAYS * DAY_MS,
      serverTiming: settings.SERVER_TIMING === 'on',
    },
  };
}

function originUrl(development: boolean) {
  return z
    .string({ error: 'is missing: the https address this deployment is reached at' })
    .transform(text => text.replace(/\/$/, ''))
    .refine(
      text => URL.canParse(text) && new URL(text).origin === text,
      'must be an origin, such as https://usher.example',
    )
    .refine(text => development || text.startsWith('https://'), 'must be https outside development');
}

/** Origins of apps in a web view or a browser extension. `URL.origin` is `null` for them. */
const APP_ORIGIN = /^(?!https?:|file:|data:|blob:|about:|javascript:)[a-z][a-z\d+.-]*:\/\/[a-z\d.-]+$/;

/** Comma-separated origins, each exactly as a browser sends it (RFC 6454 §6.2). */
function parseOrigins(text: string, development: boolean, context: z.RefinementCtx): string[] {
  const origins = text.split(',').map(origin => origin.trim());
  for (const origin of origins) {
    const problem = faultOfOrigin(origin, development);
    if (problem) context.addIssue({ code: 'custom', message: `"${origin}" ${problem}` });
  }
  return origins;
}

function faultOfOrigin(origin: string, development: boolean): string | null {
  if (origin === '') return 'is an empty entry: remove the extra comma';
  if (origin === '*') return 'allows every page: list the origins of your pages';
  if (origin.includes('*')) return 'is a pattern: list each origin';
  if (origin === 'null') return 'is the origin of any sandboxed page: list the origins of your pages';
  if (APP_ORIGIN.test(origin)) return null;
  if (!URL.canParse(origin)) return 'is not an origin, such as https://app.example';
  const url = new URL(origin);
  if (url.origin !== origin) return `is not an origin: write ${url.origin}`;
  if (url.protocol === 'https:' || development || !isPublicHost(url.hostname)) return null;
  return 'must be https outside development';
}

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
}

/** `2:<base64url>,1:<base64url>`: versioned secrets, the newest first. */
export function parseRing(text: string, context: Pick<z.RefinementCtx, 'addIssue'>): MasterSecrets {
  const [newest = '', ...older] = text.split(',');
  const ring: MasterSecrets = [parseSecret(newest), ...older.map(parseSecret)];
  const problem = ring.some(secret => !(secret.version > 0))
    ? 'must be a ring such as "2:<base64url>,1:<base64url>"'
    : ring.some(secret => secret.bytes.length < SECRET_BYTES)
      ? `needs at least ${SECRET_BYTES} random bytes a version`
      : ring.some(secret => new Set(secret.bytes).size < FEWEST_DIFFERENT_BYTES)
        ? 'is not random: make one with npm run dev'
        : new Set(ring.map(secret => secret.version)).size < ring.length
          ? 'uses a version twice'
          : null;
  if (problem) context.addIssue({ code: 'custom', message: problem });
  return ring;
}

/** A text that is no entry of a ring gets no version and no bytes; `parseRing` then refuses it. */
function parseSecret(entry: string): MasterSecret {
  const [, version, secret = ''] = /^(\d{1,6}):([\w-]+)$/.exec(entry.trim()) ?? [];
  return { version: Number(version), bytes: fromBase64(secret) ?? new Uint8Array() };
}
