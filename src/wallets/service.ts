import type { Deps } from '../deps.ts';
import { openDeviceSession, type SignedIn } from '../device-sessions/service.ts';
import { AppError } from '../errors.ts';
import { randomBytes, uuid } from '../ids.ts';
import { admitNewUser } from '../registration/service.ts';
import { issue, redeem } from '../single-use/service.ts';
import { iso } from '../times.ts';
import type { User } from '../users/record.ts';
import { type Wallet, walletKey } from '../users/rules.ts';
import { findOrMakeOwner } from '../users/service.ts';
import type { Challenge, NonceRequest, WalletProof, WalletSignIn } from './contract.ts';
import { fromHex, hashPersonalMessage, recoverSigner } from './ethereum.ts';
import { readAddress, readMessage, writeAddress, writeMessage } from './message.ts';
import { faultOf, type IssuedNonce, nonceEndsAt, nonceOf, toNonce, writePlainChallenge } from './rules.ts';

const STATEMENT = 'Prove that this wallet is yours. Signing is free and sends no transaction.';
const MAINNET = 1;

/** Issues a nonce and a message to sign. Where the wallet is named, the message follows EIP-4361. */
export async function issueChallenge(deps: Deps, request: NonceRequest): Promise<Challenge> {
  const { plainWalletChallenge, publicUrl } = deps.config;
  const address = request.walletAddress === undefined ? null : readAddress(request.walletAddress);
  if (request.walletAddress !== undefined && address === null)
    throw wrongInput('has a wrong EIP-55 checksum');
  if (address === null && !plainWalletChallenge) throw wrongInput('is required');
  const issued: IssuedNonce = { address, chainId: request.chainId ?? MAINNET, issuedAt: deps.now() };
  const nonce = await issueNonce(deps, issued);
  if (address === null) return { nonce, message: writePlainChallenge(publicUrl, String(nonce), issued) };
  const message = writeMessage({
    domain: new URL(publicUrl).host,
    address: writeAddress(address),
    statement: STATEMENT,
    uri: publicUrl,
    version: '1',
    chainId: issued.chainId,
    nonce: String(nonce),
    issuedAt: iso(issued.issuedAt),
    expirationTime: iso(nonceEndsAt(issued)),
  });
  return { nonce, message };
}

/** Signs in the owner of a wallet, on a new device. A wallet that is proven for the first time makes a user. */
export async function signInWithWallet(
  deps: Deps,
  { registrationCode, ...proof }: WalletSignIn,
  ipAddress: string | null,
): Promise<SignedIn> {
  const wallet = await proveWallet(deps, proof);
  const by = { openedBy: 'wallet', proof: 'wallet', wallet: walletKey(wallet) } as const;
  const opening = { ...by, deviceId: uuid(), deviceInfo: {}, ipAddress };
  const admit = (make: () => Promise<User>) => admitNewUser(deps, registrationCode, make);
  return openDeviceSession(deps, opening, () => findOrMakeOwner(deps, wallet, admit));
}

/**
 * The wallet of a proof. Refuses `invalid_wallet_proof`. The nonce is spent first, before anything that costs much, and
 * also when the proof fails.
 */
export async function proveWallet(deps: Deps, proof: WalletProof): Promise<Wallet> {
  deps.noteCaller({ tried: proof.walletAddress });
  const message = readMessage(proof.message);
  const nonce = nonceOf(proof.message, message);
  const detail = nonce && (await redeem(deps, 'wallet-nonce', nonce));
  if (!detail) throw notProven('The nonce is not one of ours, or was used, or has expired');
  const issued: IssuedNonce = JSON.parse(detail);
  const address = readAddress(proof.walletAddress);
  if (address === null) throw notProven('The address has a wrong EIP-55 checksum');
  const { publicUrl, plainWalletChallenge } = deps.config;
  if (message) {
    const messageAddress = readAddress(message.address);
    const fault = faultOf({ publicUrl, issued, address, message, messageAddress }, deps.now());
    if (fault) throw notProven(fault);
  } else {
    const ours = plainWalletChallenge && issued.address === null;
    if (!ours || proof.message !== writePlainChallenge(publicUrl, nonce, issued)) {
      throw notProven('The message is neither our challenge nor well-formed by EIP-4361');
    }
  }
  return checkSignature(deps, proof, { address, chainId: issued.chainId });
}

/** A key's signature is checked here. A contract's is checked by its chain. */
async function checkSignature(
  { config }: Pick<Deps, 'config'>,
  { message, signature: text }: WalletProof,
  { address, chainId }: { address: string; chainId: number },
): Promise<Wallet> {
  const hash = hashPersonalMessage(message);
  const signature = fromHex(text) ?? new Uint8Array();
  if (recoverSigner(hash, signature) === address) return { address, chainId: null };
  const rpcUrl = config.ethereumRpcUrl;
  if (rpcUrl !== null) {
    const { contractTakes } = await import('./contract-wallets.ts');
    if (await contractTakes({ rpcUrl, chainId, address, hash, signature })) return { address, chainId };
  }
  throw notProven('The signature is not that of this wallet');
}

async function issueNonce(deps: Deps, issued: IssuedNonce): Promise<number> {
  for (;;) {
    const nonce = toNonce(randomBytes(8));
    if (nonce === null) continue;
    const detail = JSON.stringify(issued);
    if (await issue(deps, 'wallet-nonce', String(nonce), detail, nonceEndsAt(issued))) return nonce;
  }
}

const notProven = (detail: string) => new AppError('invalid_wallet_proof', { detail });
const wrongInput = (message: string) =>
  new AppError('invalid_input', { errors: [{ path: 'walletAddress', message }] });
