import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { exportJWK, generateKeyPair } from 'jose';
import { parseRing } from '../config.ts';
import type { MasterSecrets } from '../crypto/derive.ts';
import { randomBytes, toBase64Url, toHex } from '../ids.ts';
import type { SigningJwk } from '../tokens/key-ring.ts';

/** A fresh Ed25519 key for `SIGNING_KEYS`. */
export async function makeSigningKey(): Promise<SigningJwk> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x = '', d = '' } = await exportJWK(privateKey);
  // The name of a key begins with its date, so that a rotation cannot go backwards.
  const kid = `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}-${toHex(randomBytes(4))}`;
  return { kty: 'OKP', crv: 'Ed25519', kid, x, d };
}

/** A fresh entry of the ring `MASTER_SECRETS`. */
export function makeMasterSecret(version: number): string {
  return `${version}:${toBase64Url(randomBytes(32))}`;
}

/** Writes local settings with fresh secrets, unless the file exists. Never changes an existing file. */
export async function ensureDevVars(path: string): Promise<'made' | 'kept' | 'completed'> {
  const lines = [
    '# Local settings, made by `npm run dev`. README.md explains every setting.',
    'ENVIRONMENT=development',
    'NETWORK_MODE=open',
    `SIGNING_KEYS='${JSON.stringify({ keys: [await makeSigningKey()] })}'`,
    `MASTER_SECRETS=${makeMasterSecret(1)}`,
    `NAME_PEPPERS=${makeMasterSecret(1)}`,
  ];
  try {
    writeFileSync(path, `${lines.join('\n')}\n`, { flag: 'wx', mode: 0o600 });
    return 'made';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return addPeppers(path);
    throw error;
  }
}

/**
 * Adds `NAME_PEPPERS` to settings of an earlier release. The ring begins with what `MASTER_SECRETS` holds, because the
 * names retired so far are hashed with that.
 */
function addPeppers(path: string): 'kept' | 'completed' {
  const { MASTER_SECRETS, NAME_PEPPERS } = readDevVars(path);
  if (!MASTER_SECRETS || NAME_PEPPERS) return 'kept';
  appendFileSync(path, `\nNAME_PEPPERS=${MASTER_SECRETS}\n`);
  return 'completed';
}

/** The settings in a file. */
export function readDevVars(path: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`There is no ${path} yet: npm run dev makes it.`);
  }
}

/** The settings file that local commands use. */
export const devVarsPath = (): string => process.env.USHER_DEV_VARS ?? '.dev.vars';

/** One setting, and where it was found: in the environment, otherwise in the local settings file. */
export function readSetting(name: string): { value: string; source: 'environment' | 'laptop' } {
  const deployed = process.env[name];
  if (deployed) return { value: deployed, source: 'environment' };
  const value = readDevVars(devVarsPath())[name];
  if (!value) throw new Error(`${name} is neither in the environment nor in ${devVarsPath()}.`);
  return { value, source: 'laptop' };
}

/** The master secrets of the local settings file. The environment is not read. */
export const localMasterSecrets = (): MasterSecrets =>
  parseMasterSecrets(readDevVars(devVarsPath()).MASTER_SECRETS ?? '');

export function parseMasterSecrets(text: string): MasterSecrets {
  return parseRing(text, {
    addIssue: issue => {
      throw new Error(`MASTER_SECRETS ${typeof issue === 'string' ? issue : issue.message}`);
    },
  });
}
