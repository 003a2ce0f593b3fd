import { secp256k1 } from '@noble/curves/secp256k1';
import { keccak_256 } from '@noble/hashes/sha3';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils';

/** r and s, of 32 bytes each. */
const COMPACT_BYTES = 64;
const S_BEGINS = 32;
/** Chain ids are below 2^53. */
const MOST_V_BYTES = 7;
const EIP_155 = 35n;
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

/** A signature as wallets write it: the compact r and s, and which of the two keys made it. */
interface Signature {
  compact: Uint8Array;
  parity: number;
}

/**
 * The signature in any form that wallets use, or null: r, s and v, where v is 27 or 28, 0 or 1, or names a chain too
 * (EIP-155: 35 or more, in as many bytes as it needs); or 64 bytes with the parity in the highest bit of s (ERC-2098).
 */
function readSignature(signature: Uint8Array): Signature | null {
  const compact = signature.slice(0, COMPACT_BYTES);
  if (compact.length < COMPACT_BYTES) return null;
  const [first, ...more] = signature.subarray(COMPACT_BYTES);
  if (first === undefined) {
    const parity = (compact[S_BEGINS] ?? 0) >> 7;
    compact[S_BEGINS] = (compact[S_BEGINS] ?? 0) & 0x7f;
    return { compact, parity };
  }
  if (more.length >= MOST_V_BYTES) return null;
  const v = more.reduce((value, byte) => (value << 8n) | BigInt(byte), BigInt(first));
  const parity = v >= EIP_155 ? (v - EIP_155) % 2n : v >= 27n ? v - 27n : v;
  return parity > 1n ? null : { compact, parity: Number(parity) };
}

/** The lower-case address whose key made this signature, or null where no key can have made it. */
export function recoverSigner(hash: Uint8Array, signature: Uint8Array): string | null {
  const read = readSignature(signature);
  if (!read) return null;
  try {
    const point = secp256k1.Signature.fromCompact(read.compact)
      .addRecoveryBit(read.parity)
      .recoverPublicKey(hash);
    const publicKey = point.toRawBytes(false).subarray(1);
    return `0x${bytesToHex(keccak_256(publicKey).subarray(-ADDRESS_BYTES))}`;
  } catch {
    return null;
  }
}
