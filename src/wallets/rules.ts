import { iso } from '../times.ts';
import type { SignInMessage } from './message.ts';

export const NONCE_LIFE_MS = 5 * 60_000;

/** A message has the time of the client's clock, and clocks differ. */
const SKEW_MS = 5_000;

const SMALLEST_NONCE = 10_000_000;
const NONCE = /^[1-9]\d{7,15}$/;

/** What a nonce was issued for. Times in epoch ms. */
export interface IssuedNonce {
  /** The wallet it works for, in lower case; null: any wallet. */
  address: string | null;
  chainId: number;
  issuedAt: number;
}

export const nonceEndsAt = ({ issuedAt }: Pick<IssuedNonce, 'issuedAt'>): number => issuedAt + NONCE_LIFE_MS;

/** An integer from 10^7 (EIP-4361 needs eight digits) below 2^53, from 8 random bytes; null: draw again. */
export function toNonce(random: Uint8Array): number | null {
  const bits = random.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const nonce = Number(bits & 0x1f_ffff_ffff_ffffn);
  return nonce < SMALLEST_NONCE ? null : nonce;
}

/**
 * The nonce in a text: that of the message, or another part that looks like one, so that a malformed message spends its
 * nonce too.
 */
export function nonceOf(text: string, message: SignInMessage | null): string | null {
  const nonce = message?.nonce ?? /nonce\W*(\d{8,})/i.exec(text)?.[1] ?? '';
  return NONCE.test(nonce) ? nonce : null;
}

/** The challenge for a wallet that was not named yet. */
export function writePlainChallenge(publicUrl: string, nonce: string, issued: IssuedNonce): string {
  const { host } = new URL(publicUrl);
  return [
    `${host} asks you to prove that this wallet is yours. Sign this only at ${publicUrl}.`,
    '',
    `Domain: ${host}`,
    `Nonce: ${nonce}`,
    `Expires: ${iso(nonceEndsAt(issued))}`,
  ].join('\n');
}

export interface ProofFacts {
  publicUrl: string;
  issued: IssuedNonce;
  /** Who claims the wallet: the lower-case address. */
  address: string;
  message: SignInMessage;
  /** The message's address, lower-case. */
  messageAddress: string | null;
}

/**
 * What is wrong with a message, in words for the developer who wrote it; null where nothing is. These are the checks of
 * EIP-4361, against the configuration of this deployment and what the nonce was issued for. The nonce itself was found by
 * the message.
 */
export function faultOf(facts: ProofFacts, now: number): string | null {
  const { publicUrl, issued, address, message, messageAddress } = facts;
  const { host, protocol } = new URL(publicUrl);
  const [issuedAt, expiresAt, notBefore] = [message.issuedAt, message.expirationTime, message.notBefore].map(
    at => (at === undefined ? null : Date.parse(at)),
  );
  const checks: [holds: boolean, fault: string][] = [
    [messageAddress === address, 'The message is of another wallet'],
    [issued.address === null || issued.address === address, 'The nonce was issued for another wallet'],
    [message.domain === host, 'The domain is not ours'],
    [message.scheme === undefined || `${message.scheme}:` === protocol, 'The scheme is not ours'],
    [isOurs(message.uri, publicUrl), 'The URI is not ours'],
    [message.version === '1', 'The version is not 1'],
    [message.chainId === issued.chainId, 'The chain id is not the one the nonce was issued for'],
    // Written so that an invalid time (NaN) is refused.
    [
      issuedAt != null && issuedAt >= issued.issuedAt - SKEW_MS && issuedAt <= nonceEndsAt(issued),
      'The message was not issued within the life of its nonce',
    ],
    [expiresAt === null || (expiresAt !== undefined && now < expiresAt), 'The message has expired'],
    [notBefore === null || (notBefore !== undefined && now >= notBefore), 'The message is not valid yet'],
  ];
  return checks.find(([holds]) => !holds)?.[1] ?? null;
}

function isOurs(uri: string, publicUrl: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { origin, username, password } = new URL(uri);
  return origin === publicUrl && username === '' && password === '';
}
