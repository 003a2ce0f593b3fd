/**
 * The text of an API key, and what it shows without a read of storage. A key is
 * `<kind>_<secret version>_<id: 32 hex>_<secret: base64url of 32 bytes>_<checksum: 8 hex>`. The checksum finds a typing
 * error, and the secret (an HMAC, see `derive.ts`) finds a forgery.
 */
export type KeyKind = 'pk' | 'sk';

export interface KeyName {
  kind: KeyKind;
  /** Version of the master secret the key's own secret is derived from. */
  version: number;
  id: string;
}

export interface PresentedKey extends KeyName {
  /** The secret part in base64url, not checked yet. */
  secret: string;
}

const KEY = /^(pk|sk)_(\d{1,6})_([0-9a-f]{32})_([\w-]{43})_([0-9a-f]{8})$/;
const ACCESS_KEY = /^ak_(\d{1,6})_([0-9a-f]{32})$/;
const ACCESS_SECRET = /^[A-Za-z0-9+/]{43}=$/;

export function writeKey(name: KeyName, secret: string): string {
  const text = `${name.kind}_${name.version}_${name.id}_${secret}`;
  return `${text}_${checksum(text)}`;
}

/** The parts of a well-formed key, or null. */
export function readKey(text: string): PresentedKey | null {
  const [, kind, version, id, secret, sum] = KEY.exec(text) ?? [];
  if (!kind || !version || !id || !secret || sum !== checksum(text.slice(0, -9))) return null;
  return { kind: kind as KeyKind, version: Number(version), id, secret };
}

/** A secret key in two parts, for HTTP Basic and signed requests. No username has its `_`. */
export function writeAccessKey(name: KeyName): string {
  return `ak_${name.version}_${name.id}`;
}

/** The secret key of this access key, or null where it is none. */
export function readAccessKey(accessKey: string): KeyName | null {
  const [, version, id] = ACCESS_KEY.exec(accessKey) ?? [];
  return version && id ? { kind: 'sk', version: Number(version), id } : null;
}

/** The secret key behind an `accessKey:accessSecret` pair, or null where it is no such pair. */
export function readAccessPair(accessKey: string, accessSecret: string): PresentedKey | null {
  const name = readAccessKey(accessKey);
  if (!name || !ACCESS_SECRET.test(accessSecret)) return null;
  const secret = accessSecret.slice(0, -1).replaceAll('+', '-').replaceAll('/', '_');
  return { ...name, secret };
}

/** The parts of a signed request that its digest covers, and the digest in base64. */
export interface SignedRequest {
  accessKey: string;
  digest: string;
  method: string;
  /** As sent; the text `null` where there is none. */
  contentType: string;
  /** Base64. */
  contentMd5: string;
  /** An HTTP date. */
  date: string;
  /** Raw, without the query. */
  path: string;
  nonce: string;
}

/** The text whose HMAC-SHA1 is the digest. */
export function textToSign({ method, contentType, contentMd5, date, path, nonce }: SignedRequest): string {
  return [method.toUpperCase(), contentType, contentMd5, date, path, nonce].join('\n');
}

const DATE_WINDOW_MS = 30_000;
/** Longer than a date stays within the window. */
export const NONCE_KEPT_MS = 120_000;
const LONGEST_NONCE = 128;

/** Whether a request was signed just now, with a nonce of the right length. `now` in epoch ms. */
export function isTimely({ date, nonce }: Pick<SignedRequest, 'date' | 'nonce'>, now: number): boolean {
  // Written so that an invalid date (NaN) is not timely.
  return Math.abs(Date.parse(date) - now) <= DATE_WINDOW_MS && nonce.length <= LONGEST_NONCE;
}

/** FNV-1a. It only has to find typing errors. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
