import { secp256k1 } from '@noble/curves/secp256k1';
import { keccak_256 } from '@noble/hashes/sha3';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils';

const SIGNATURE_BYTES = 65;
const ADDRESS_BYTES = 20;

/** The hash that a wallet signs for a text (EIP-191, version `0x45`). */
export function hashPersonalMessage(message: string): Uint8Array {
  const text = utf8ToBytes(message);
  return keccak_256(concatBytes(utf8ToBytes(`\x19Ethereum Signed Message:\n${text.length}`), text));
}

/** The bytes of a `0x` text; null where it is none. */
export function fromHex(text: string): Uint8Array | null {
  return /^0x(?:[0-9a-f]{2})*$/i.test(text) ? hexToBytes(text.slice(2)) : null;
}

/** The lower-case address whose key made this signature (r, s, v); null where no key can have made it. */
export function recoverSigner(hash: Uint8Array, signature: Uint8Array): string | null {
  if (signature.length !== SIGNATURE_BYTES) return null;
  // Wallets write the parity as 27 or 28, some as 0 or 1.
  const v = signature[SIGNATURE_BYTES - 1] ?? 0;
  const parity = v >= 27 ? v - 27 : v;
  if (parity > 1) return null;
  try {
    const point = secp256k1.Signature.fromCompact(signature.subarray(0, SIGNATURE_BYTES - 1))
      .addRecoveryBit(parity)
      .recoverPublicKey(hash);
    const publicKey = point.toRawBytes(false).subarray(1);
    return `0x${bytesToHex(keccak_256(publicKey).subarray(-ADDRESS_BYTES))}`;
  } catch {
    return null;
  }
}
