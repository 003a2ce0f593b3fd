import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { fromBase64, randomBytes, toHex } from '../ids.ts';
import { type ExpiringMap, makeExpiringMap } from '../platform/expiring-map.ts';
import { spend } from '../single-use/service.ts';
import { MINUTE_MS, SECOND_MS } from '../times.ts';
import type { CreateKey } from './contract.ts';
import { areEqual, deriveKeySecret, type SecretKeyTexts, signText, writeKeyTexts } from './derive.ts';
import {
  isTimely,
  type KeyKind,
  type KeyName,
  NONCE_KEPT_MS,
  type PresentedKey,
  readAccessKey,
  type SignedRequest,
  textToSign,
} from './rules.ts';
import { deleteKey, findKey, insertKey, type KeyRow, listKeys, markKeyUsed } from './store.ts';

/** How long an isolate remembers whether a key stands. A revocation takes at most so long. */
const CACHE_SIZE = 1_000;
const standing: Record<KeyKind, ExpiringMap<string, boolean>> = {
  pk: makeExpiringMap(60 * SECOND_MS, CACHE_SIZE),
  sk: makeExpiringMap(5 * SECOND_MS, CACHE_SIZE),
};
const NOTE_USE_EVERY_MS = 10 * MINUTE_MS;

/** A new key. Its text is shown once and is stored nowhere. */
export type NewKey = { row: KeyRow } & ({ key: string } | SecretKeyTexts);

/**
 * Whether a presented key is genuine and stands. The MAC shows a forged key without a read. A genuine key costs a read of
 * D1, once per isolate in 60 s (publishable) or 5 s (secret).
 */
export async function verifyKey(
  deps: Pick<Deps, 'db' | 'config' | 'now' | 'defer'>,
  presented: PresentedKey | null,
  kind: KeyKind,
): Promise<boolean> {
  if (presented?.kind !== kind) return false;
  const master = deps.config.masterSecrets.find(secret => secret.version === presented.version);
  const claimed = fromBase64(presented.secret);
  if (!master || !claimed) return false;
  const genuine = await deriveKeySecret(master, presented);
  return areEqual(genuine, claimed) && stands(deps, presented);
}

/**
 * The id of the secret key a request was signed with. Null for a date out of its window, a forged digest, a key that no
 * longer stands, or a nonce that was used. The nonce is spent after the digest was checked: only the signer can spend it.
 */
export async function verifySignature(
  deps: Pick<Deps, 'db' | 'config' | 'now' | 'defer' | 'singleUse'>,
  signed: SignedRequest,
): Promise<string | null> {
  const name = readAccessKey(signed.accessKey);
  const master = deps.config.masterSecrets.find(secret => secret.version === name?.version);
  const claimed = fromBase64(signed.digest);
  if (!name || !master || !claimed || !isTimely(signed, deps.now())) return null;
  const genuine = signText(await deriveKeySecret(master, name), textToSign(signed));
  if (!areEqual(genuine, claimed) || !(await stands(deps, name))) return null;
  const first = await spend(deps, 'signed-request', `${name.id} ${signed.nonce}`, deps.now() + NONCE_KEPT_MS);
  return first ? name.id : null;
}

/** Makes a key under the newest master secret. */
export async function createKey(deps: Deps, { name, kind }: CreateKey): Promise<NewKey> {
  const [master] = deps.config.masterSecrets;
  const id = toHex(randomBytes(16));
  const texts =
    kind === 'secret' ? await writeKeyTexts(master, 'sk', id) : await writeKeyTexts(master, 'pk', id);
  const short = kind === 'secret' ? 'sk' : 'pk';
  const row = await insertKey(deps.db, {
    id,
    kind: short,
    name,
    createdAt: deps.now(),
    version: master.version,
  });
  deps.audit('key_created', { keyId: id, kind });
  return { row, ...texts };
}

/** A key, and whether its text still verifies: not once its master secret has left the ring. */
export type ListedKey = KeyRow & { verifies: boolean };

export async function readKeys(deps: Pick<Deps, 'db' | 'config'>): Promise<ListedKey[]> {
  const versions = new Set(deps.config.masterSecrets.map(({ version }) => version));
  const rows = await listKeys(deps.db);
  return rows.map(row => ({ ...row, verifies: row.version === null || versions.has(row.version) }));
}

/** Revokes a key: in this isolate at once, everywhere within the life of the caches; refuses `key_not_found`. */
export async function revokeKey(deps: Deps, id: string): Promise<void> {
  if (!(await deleteKey(deps.db, id))) throw new AppError('key_not_found');
  for (const kept of Object.values(standing)) kept.delete(id);
  deps.audit('key_revoked', { keyId: id });
}

async function stands(
  deps: Pick<Deps, 'db' | 'now' | 'defer'>,
  { kind, id, version }: KeyName,
): Promise<boolean> {
  const now = deps.now();
  const known = standing[kind].get(id, now);
  if (known !== undefined) return known;
  const row = await findKey(deps.db, kind, id);
  standing[kind].set(id, row !== null, now);
  const noteBefore = now - NOTE_USE_EVERY_MS;
  if (row && (row.lastUsedAt ?? 0) < noteBefore) {
    deps.defer(later => markKeyUsed(later.db, { id, version }, now, noteBefore));
  }
  return row !== null;
}
