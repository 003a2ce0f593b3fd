import { deriveMac, type MasterSecret, type MasterSecrets } from '../crypto/derive.ts';
import { randomBytes, toHex } from '../ids.ts';
import { writeKeyTexts } from '../keys/derive.ts';
import type { KeyKind } from '../keys/rules.ts';

export interface LocalKeys {
  publishableKey: string;
  secretKey: string;
  accessKey: string;
  accessSecret: string;
}

/**
 * The two keys of this machine. Their ids are derived from its oldest master secret, so they are the same at every
 * start, and no file holds them.
 */
export async function localKeys(ring: MasterSecrets): Promise<{ keys: LocalKeys; sql: string }> {
  const master = ring.at(-1) ?? ring[0];
  const publishableId = await localId(master, 'pk');
  const secretId = await localId(master, 'sk');
  const { key: publishableKey } = await writeKeyTexts(master, 'pk', publishableId);
  const { secretKey, accessKey, accessSecret } = await writeKeyTexts(master, 'sk', secretId);
  const rows = [insertKey(master, 'pk', publishableId, 'local'), insertKey(master, 'sk', secretId, 'local')];
  return { keys: { publishableKey, secretKey, accessKey, accessSecret }, sql: rows.join('; ') };
}

/** A new key under the newest master secret, and the SQL statement that inserts it. */
export async function makeKey(ring: MasterSecrets, kind: KeyKind, name: string) {
  const [master] = ring;
  const id = toHex(randomBytes(16));
  const texts = kind === 'pk' ? await writeKeyTexts(master, 'pk', id) : await writeKeyTexts(master, 'sk', id);
  return { texts: { id, name, ...texts }, sql: insertKey(master, kind, id, name) };
}

async function localId(master: MasterSecret, kind: KeyKind): Promise<string> {
  return toHex(await deriveMac(master, 'api-key', `local ${kind}`)).slice(0, 32);
}

function insertKey({ version }: MasterSecret, kind: KeyKind, id: string, name: string): string {
  const quoted = name.replaceAll("'", "''");
  return `INSERT OR IGNORE INTO keys (id, kind, name, createdAt, version) VALUES ('${id}', '${kind}', '${quoted}', ${Date.now()}, ${version})`;
}
