import { bytesToHex } from '@noble/hashes/utils';
import { encodeDeployData, universalSignatureValidatorAbi, universalSignatureValidatorByteCode } from 'viem';
import { logEvent } from '../log.ts';

/** For all calls about one signature together. */
const TIMEOUT_MS = 5_000;

export interface ContractQuestion {
  rpcUrl: string;
  /** The chain of the wallet. The RPC of another chain knows nothing about it. */
  chainId: number;
  /** Lower-case. */
  address: string;
  hash: Uint8Array;
  signature: Uint8Array;
}

/**
 * Whether the contract at this address accepts the signature (ERC-1271), also a contract that is not deployed yet
 * (ERC-6492). One `eth_call` of the universal validator, which the node simulates and never sends. Nothing in its answer is
 * followed (no redirects, no off-chain lookups), and every failure counts as a no.
 */
export async function contractTakes(question: ContractQuestion): Promise<boolean> {
  const { rpcUrl, chainId, address, hash, signature } = question;
  const data = encodeDeployData({
    abi: universalSignatureValidatorAbi,
    args: [address as `0x${string}`, toHex(hash), toHex(signature)],
    bytecode: universalSignatureValidatorByteCode,
  });
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const [chain, verdict] = await Promise.all([
      ask(rpcUrl, signal, 'eth_chainId', []),
      ask(rpcUrl, signal, 'eth_call', [{ data }, 'latest']),
    ]);
    return isNumber(chain, chainId) && isNumber(verdict, 1);
  } catch (error) {
    // Only the kind of failure: a message may hold the address of the RPC, and so its key.
    logEvent('rpc_failed', { error: error instanceof Error ? error.name : 'unknown' });
    return false;
  }
}

async function ask(rpcUrl: string, signal: AbortSignal, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    redirect: 'manual',
    signal,
  });
  if (!response.ok) {
    await response.body?.cancel();
    return null;
  }
  const answer = (await response.json()) as { result?: unknown } | null;
  return answer?.result;
}

const toHex = (bytes: Uint8Array): `0x${string}` => `0x${bytesToHex(bytes)}`;

/** A quantity, or a word of 32 bytes, as JSON-RPC writes them. */
function isNumber(text: unknown, expected: number): boolean {
  return typeof text === 'string' && /^0x[0-9a-f]{1,64}$/i.test(text) && BigInt(text) === BigInt(expected);
}
