import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveMac, type MasterSecret } from '../crypto/derive.ts';
import { toBase64, toBase64Url } from '../ids.ts';
import { type KeyKind, type KeyName, writeAccessKey, writeKey } from './rules.ts';

/** The secret part of a key: an HMAC over its version, kind and id, so that a kind cannot be turned into another. */
export async function deriveKeySecret(
  master: MasterSecret,
  { kind, id }: Omit<KeyName, 'version'>,
): Promise<Uint8Array<ArrayBuffer>> {
  return deriveMac(master, 'api-key', `${master.version}|${kind}|${id}`);
}

/** HMAC-SHA1, because the clients that sign requests use it. As a MAC it is still safe. */
export function signText(secret: Uint8Array, text: string): Uint8Array {
  return createHmac('sha1', secret).update(text).digest();
}

/** Compares in a time that depends only on the lengths. */
export function areEqual(genuine: Uint8Array, claimed: Uint8Array): boolean {
  return genuine.length === claimed.length && timingSafeEqual(genuine, claimed);
}

export interface SecretKeyTexts {
  accessKey: string;
  accessSecret: string;
  secretKey: string;
}

/** A key in the forms that its owner sees, once. */
export async function writeKeyTexts(master: MasterSecret, kind: 'pk', id: string): Promise<{ key: string }>;
export async function writeKeyTexts(master: MasterSecret, kind: 'sk', id: string): Promise<SecretKeyTexts>;
export async function writeKeyTexts(master: MasterSecret, kind: KeyKind, id: string) {
  const name: KeyName = { kind, version: master.version, id };
  const secret = await deriveKeySecret(master, name);
  const key = writeKey(name, toBase64Url(secret));
  if (kind === 'pk') return { key };
  return { accessKey: writeAccessKey(name), accessSecret: toBase64(secret), secretKey: key };
}
