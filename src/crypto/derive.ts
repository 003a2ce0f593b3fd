import { createHmac, hkdfSync } from 'node:crypto';

/**
 * Secrets derived from the ring `MASTER_SECRETS`: one HKDF (RFC 5869) subkey per purpose and version. So a leak of one
 * purpose says nothing about another, and a version can be retired.
 */
export interface MasterSecret {
  version: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** The ring, newest version first and never empty: the first derives new values, all of them check old ones. */
export type MasterSecrets = readonly [MasterSecret, ...MasterSecret[]];

export type Purpose =
  | 'api-key'
  | 'room-password'
  | 'retired-name'
  | 'log'
  | 'network'
  | 'visitor'
  | 'upload-name';

const encoder = new TextEncoder();
const subkeys = new WeakMap<MasterSecret, Map<Purpose, Promise<CryptoKey>>>();

/** HMAC-SHA256 of `message` under the subkey of `purpose`. */
export async function deriveMac(
  secret: MasterSecret,
  purpose: Purpose,
  message: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await subkey(secret, purpose);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(message)));
}

function subkey(secret: MasterSecret, purpose: Purpose): Promise<CryptoKey> {
  const known = subkeys.get(secret) ?? new Map<Purpose, Promise<CryptoKey>>();
  subkeys.set(secret, known);
  const key = known.get(purpose) ?? makeSubkey(secret, purpose);
  known.set(purpose, key);
  return key;
}

async function makeSubkey(secret: MasterSecret, purpose: Purpose): Promise<CryptoKey> {
  const master = await crypto.subtle.importKey('raw', secret.bytes, 'HKDF', false, ['deriveKey']);
  const salt = new Uint8Array();
  const info = encoder.encode(infoOf(secret, purpose));
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    master,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  );
}

/** How much of its MAC a short hash holds: 96 bits. */
const HASH_BYTES = 12;
const shortKeys = new WeakMap<MasterSecret, Map<Purpose, Uint8Array>>();

/** A short keyed hash of `message` under the newest secret's subkey, which is made once an isolate. It is there at once. */
export function keyedHash([newest]: MasterSecrets, purpose: Purpose, message: string): string {
  if (!newest) throw new Error('MASTER_SECRETS is empty');
  const keys = shortKeys.get(newest) ?? new Map<Purpose, Uint8Array>();
  shortKeys.set(newest, keys);
  const key =
    keys.get(purpose) ?? new Uint8Array(hkdfSync('sha256', newest.bytes, '', infoOf(newest, purpose), 32));
  keys.set(purpose, key);
  return createHmac('sha256', key).update(message).digest().subarray(0, HASH_BYTES).toString('base64url');
}

const infoOf = ({ version }: MasterSecret, purpose: Purpose): string => `usher ${purpose} ${version}`;
