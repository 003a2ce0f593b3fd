/** One signature in all the forms that wallets write. */

import {
  hexToBytes,
  numberToHex,
  parseSignature,
  serializeCompactSignature,
  signatureToCompactSignature,
  size,
} from 'viem';
import { describe, expect, it } from 'vitest';
import { newWallet, nonceFor, verify } from '../support/wallets.ts';

const wallet = newWallet();

/** A fresh message, and its signature with the `v` that a form gives; null: the 64 bytes of ERC-2098. */
async function proofWith(form: ((parity: number) => number) | null) {
  const { message } = await nonceFor(wallet);
  const whole = await wallet.signMessage({ message });
  const { yParity, ...parsed } = parseSignature(whole);
  const compact = serializeCompactSignature(signatureToCompactSignature({ ...parsed, yParity }));
  const v = form && numberToHex(form(yParity)).slice(2);
  const signature = v === null ? compact : `${whole.slice(0, 130)}${v.length % 2 ? '0' : ''}${v}`;
  return { walletAddress: wallet.address, message, signature };
}

describe('works', () => {
  it.each<[string, ((parity: number) => number) | null]>([
    ['27 or 28', parity => 27 + parity],
    ['0 or 1', parity => parity],
    ['of EIP-155 on the first chain', parity => 37 + parity],
    ['of EIP-155 on a chain whose v takes two bytes', parity => 35 + 137 * 2 + parity],
    ['in s, by ERC-2098', null],
  ])('takes a signature with its parity %s', async (_, form) => {
    for (let tries = 0; tries < 4; tries += 1) {
      const proof = await proofWith(form);
      if (form === null) expect(size(proof.signature as `0x${string}`)).toBe(64);
      expect((await verify(proof)).status).toBe(200);
    }
  });
});

describe('refuses', () => {
  it.each<[string, (parity: number) => number]>([
    ['of the other key', parity => 28 - parity],
    ['of the other key, by EIP-155', parity => 38 - parity],
    ['that no form has', () => 2],
    ['between the forms', () => 30],
  ])('a v %s', async (_, form) => {
    expect((await verify(await proofWith(form))).status).toBe(400);
  });

  it('what is shorter, or longer than any form', async () => {
    const proof = await proofWith(parity => 27 + parity);
    expect(hexToBytes(proof.signature as `0x${string}`)).toHaveLength(65);
    for (const signature of [proof.signature.slice(0, 128), `${proof.signature}${'00'.repeat(8)}`]) {
      const { message } = await nonceFor(wallet);
      expect((await verify({ ...proof, message, signature })).status).toBe(400);
    }
  });
});
