import { deriveMac, type MasterSecret, type MasterSecrets } from '../crypto/derive.ts';
import { fromBase64, toBase64, toHex } from '../ids.ts';
import { deriveKeySecret } from '../keys/derive.ts';
import { type KeyKind, type KeyName, writeAccessKey, writeKey } from '../keys/rules.ts';

export interface LocalKeys {
  publishableKey: string;
  secretKey: string;
  accessKey: string;
  accessSecret: string;
}

/**
 * The two keys of a laptop. Their ids follow from its oldest master secret, so that they stay the same from one
 * start to the next without being written down anywhere.
 */
export async function localKeys(ring: MasterSecrets): Promise<{ keys: LocalKeys; sql: string }> {
  const master = ring.at(-1);
  if (!master) throw new Error('MASTER_SECRETS is empty');
  const publishable = await localKey(master, 'pk');
  const secret = await localKey(master, 'sk');
  const keys: LocalKeys = {
    publishableKey: writeKey(publishable, publishable.secret),
    secretKey: writeKey(secret, secret.secret),
    accessKey: writeAccessKey(secret),
    accessSecret: toBase64(fromBase64(secret.secret) ?? new Uint8Array()),
  };
  const row = ({ id, kind }: KeyName) => `('${id}', '${kind}', 'local', ${Date.now()})`;
  const sql = `INSERT OR IGNORE INTO keys (id, kind, name, createdAt) VALUES ${row(publishable)}, ${row(secret)}`;
  return { keys, sql };
}

async function localKey(master: MasterSecret, kind: KeyKind): Promise<KeyName & { secret: string }> {
  const id = toHex(await deriveMac(master, 'api-key', `local ${kind}`)).slice(0, 32);
  return { kind, version: master.version, id, secret: await deriveKeySecret(master, { kind, id }) };
}
