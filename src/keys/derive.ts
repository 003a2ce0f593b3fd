import { deriveMac, type MasterSecret } from '../crypto/derive.ts';
import { toBase64Url } from '../ids.ts';
import type { KeyName } from './rules.ts';

/** The secret part of a key: an HMAC over its version, kind and id, so that a kind cannot be turned into another. */
export async function deriveKeySecret(
  master: MasterSecret,
  { kind, id }: Omit<KeyName, 'version'>,
): Promise<string> {
  return toBase64Url(await deriveMac(master, 'api-key', `${master.version}|${kind}|${id}`));
}
