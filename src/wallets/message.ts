import { classifyAddressCase, ParsedMessage, toChecksumAddress } from '@signinwithethereum/siwe-parser';

/** The members of an EIP-4361 message. Times are as they were written (RFC 3339). */
export interface SignInMessage {
  scheme?: string | undefined;
  domain: string;
  /** As it was written: by EIP-55, or in one case. */
  address: string;
  statement?: string | undefined;
  uri: string;
  version: string;
  chainId: number;
  nonce: string;
  issuedAt: string;
  expirationTime?: string | undefined;
  notBefore?: string | undefined;
  requestId?: string | undefined;
  resources?: string[] | undefined;
}

/** The text of a message, in the one order and spelling that EIP-4361 allows. */
export function writeMessage(message: SignInMessage): string {
  const { scheme, domain, address, statement, resources } = message;
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`${name}: ${value}`];
  return [
    `${scheme === undefined ? '' : `${scheme}://`}${domain} wants you to sign in with your Ethereum account:`,
    address,
    '',
    ...(statement === undefined ? [] : [statement]),
    '',
    `URI: ${message.uri}`,
    `Version: ${message.version}`,
    `Chain ID: ${message.chainId}`,
    `Nonce: ${message.nonce}`,
    `Issued At: ${message.issuedAt}`,
    ...optional('Expiration Time', message.expirationTime),
    ...optional('Not Before', message.notBefore),
    ...optional('Request ID', message.requestId),
    ...(resources === undefined ? [] : ['Resources:', ...resources.map(resource => `- ${resource}`)]),
  ].join('\n');
}

/**
 * The message in a text, by the grammar of EIP-4361; null where there is none. What the parser reads is written again and
 * must give the same text, because the parser takes a chain id such as `01`, and a message must be read as it was signed.
 */
export function readMessage(text: string): SignInMessage | null {
  try {
    const message: SignInMessage = new ParsedMessage(text);
    return writeMessage(message) === text ? message : null;
  } catch {
    return null;
  }
}

/** The lower-case form of an address in one case or with its EIP-55 checksum; null for another text. */
export function readAddress(text: string): string | null {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text) || classifyAddressCase(text) === 'invalid-checksum') return null;
  return text.toLowerCase();
}

/** The EIP-55 form, because wallets warn of others. */
export const writeAddress = (address: string): string => toChecksumAddress(address);
