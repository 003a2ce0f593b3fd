import type { SigningJwk } from '../tokens/key-ring.ts';
import { makeSigningKey } from './secrets.ts';

export const ROTATION_STEPS = ['add', 'switch', 'drop'] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

/** The value of `SIGNING_KEYS`: the first signs, all verify. */
export interface KeySet {
  keys: SigningJwk[];
}

/**
 * The three steps of a rotation. `add`: a new key is published and does not sign yet. `switch`: it signs, and the old
 * keys still verify. `drop`: the old keys go, when no token that they signed can be alive.
 */
export async function nextKeySet({ keys }: KeySet, step: RotationStep): Promise<KeySet> {
  const [signer] = keys;
  const newest = keys.toSorted((a, b) => (a.kid < b.kid ? -1 : 1)).at(-1);
  if (!signer || !newest) throw new Error('SIGNING_KEYS holds no key');
  if (step === 'add') return { keys: [...keys, await makeSigningKey()] };
  if (keys.length === 1) throw new Error(`There is one key only: nothing to ${step}. Begin with: add`);
  if (step === 'drop') return { keys: [signer] };
  if (newest === signer) throw new Error('The newest key signs already: nothing to switch');
  return { keys: [newest, ...keys.filter(key => key !== newest)] };
}
