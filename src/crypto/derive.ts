/**
 * Secrets derived from the ring `MASTER_SECRETS`: one HKDF (RFC 5869) subkey per purpose and version, so that
 * what one purpose leaks says nothing about another, and a version can be retired.
 */
export interface MasterSecret {
  version: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** The ring, newest version first: the first derives what is new, all of them check what is old. */
export type MasterSecrets = readonly MasterSecret[];

export type Purpose = 'api-key' | 'room-password' | 'retired-name';

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
  const info = encoder.encode(`usher ${purpose} ${secret.version}`);
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt, info },
    master,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  );
}
