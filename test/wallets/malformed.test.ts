/** S24: what is not a message by the letter of EIP-4361 is refused, signed or not, and its nonce is spent. */
import { expect, it } from 'vitest';
import { DOMAIN, messageOf, newWallet, nonceFor, prove } from '../support/wallets.ts';

const wallet = newWallet();
const line = (name: string, value: string) => (message: string) =>
  message.replace(new RegExp(`^${name}: .*$`, 'm'), `${name}: ${value}`);
const without = (name: string) => (message: string) =>
  message.replace(new RegExp(`^${name}: .*\n?`, 'm'), '').replace(/\n$/, '');
const twice = (name: string) => (message: string) =>
  message.replace(new RegExp(`^(${name}: .*)$`, 'm'), '$1\n$1');
const swapped = (one: string, other: string) => (message: string) =>
  message.replace(new RegExp(`^(${one}: .*)\n(${other}: .*)$`, 'm'), '$2\n$1');
const replaced = (one: string, other: string) => (message: string) => message.replace(one, other);
const issued = (time: string) => line('Issued At', time);
const withStatement = (statement: string) => (message: string) =>
  message.replace('\n\n\nURI', `\n\n${statement}\n\nURI`);

const corpus: [name: string, (message: string) => string][] = [
  ['a line feed at the end', message => `${message}\n`],
  ['a space at the end', message => `${message} `],
  ['a space at the beginning', message => ` ${message}`],
  ['a line feed at the beginning', message => `\n${message}`],
  ['a byte order mark', message => `\ufeff${message}`],
  ['a NUL at the end', message => `${message}\0`],
  ['CRLF', message => message.replaceAll('\n', '\r\n')],
  ['one CR', replaced('\nVersion', '\r\nVersion')],
  ['a tab', replaced('URI: ', 'URI:\t')],
  ['two spaces', replaced('URI: ', 'URI:  ')],
  ['no space', replaced('Nonce: ', 'Nonce:')],
  ['a field in lower case', replaced('Nonce: ', 'nonce: ')],
  ['a space at the end of a line', replaced('\nVersion: 1', '\nVersion: 1 ')],
  ['an unknown field', message => `${message}\nRole: admin`],
  ['an unknown field in between', replaced('\nNonce: ', '\nRole: admin\nNonce: ')],
  ['a text after the end', message => `${message}\n\nThat is all.`],
  ['two empty lines too many', replaced('\nURI', '\n\n\nURI')],
  ['an empty line too few', replaced('\n\n\nURI', '\n\nURI')],
  ['a statement of two lines', withStatement('One\nTwo')],
  ['a statement beyond ASCII', withStatement('Ünlucky')],
  ['a statement with a control character', withStatement('One\u0007Two')],
  ['another sentence', replaced('wants you to sign in', 'wants you to log in')],
  ['another account', replaced('Ethereum account', 'Solana account')],
  ['no domain', replaced(DOMAIN, '')],
  ['a domain with a Cyrillic o', replaced('localhost', 'lоcalhost')],
  ['a domain with a zero-width space', replaced('localhost', 'local\u200bhost')],
  ['a full-width domain', replaced('localhost', 'ｌｏｃａｌｈｏｓｔ')],
  ['a domain in capitals', replaced('localhost', 'LOCALHOST')],
  ['a domain with user info', replaced('localhost', 'usher.example@localhost')],
  ['a domain with a path', replaced(`${DOMAIN} wants`, `${DOMAIN}/ wants`)],
  ['a domain with a dot at its end', replaced('localhost', 'localhost.')],
  ['an empty scheme', message => `://${message}`],
  ['a wrong EIP-55 checksum', replaced(wallet.address, flipCase(wallet.address))],
  ['an address all in capitals', replaced(wallet.address, wallet.address.toUpperCase())],
  ['an address without 0x', replaced(wallet.address, wallet.address.slice(2))],
  ['a short address', replaced(wallet.address, wallet.address.slice(0, -1))],
  ['an address of an ENS name', replaced(wallet.address, 'vitalik.eth')],
  ['no address', replaced(`${wallet.address}\n`, '')],
  ['no URI', without('URI')],
  ['no version', without('Version')],
  ['no chain id', without('Chain ID')],
  ['no issued-at', without('Issued At')],
  ['a relative URI', line('URI', '/login')],
  ['an empty URI', line('URI', '')],
  ['a URI with a space', line('URI', `http://${DOMAIN}/a b`)],
  ['a URI with a backslash', line('URI', `http://${DOMAIN}\\@evil.example`)],
  ['version 2', line('Version', '2')],
  ['version 1.0', line('Version', '1.0')],
  ['version 01', line('Version', '01')],
  ['a chain id with a zero in front', line('Chain ID', '01')],
  ['a chain id in hex', line('Chain ID', '0x1')],
  ['a negative chain id', line('Chain ID', '-1')],
  ['an empty chain id', line('Chain ID', '')],
  ['a duplicate URI', twice('URI')],
  ['a duplicate nonce', twice('Nonce')],
  ['a duplicate chain id', twice('Chain ID')],
  ['a duplicate issued-at', twice('Issued At')],
  ['version before URI', swapped('URI', 'Version')],
  ['nonce before chain id', swapped('Chain ID', 'Nonce')],
  ['issued-at before nonce', swapped('Nonce', 'Issued At')],
  ['a date alone', issued('2026-11-20')],
  ['a date with a space', issued('2026-11-20 10:00:00Z')],
  ['a date without a zone', issued('2026-11-20T10:00:00')],
  ['a month that is none', issued('2026-13-01T10:00:00Z')],
  ['a day that is none', issued('2026-02-30T10:00:00Z')],
  ['an hour that is none', issued('2026-11-20T24:00:00Z')],
  ['a leap second', issued('2026-11-20T23:59:60Z')],
  ['unix time', issued('1795000000')],
  ['an HTTP date', issued('Fri, 20 Nov 2026 10:00:00 GMT')],
  ['a year of five digits', issued('+12026-11-20T10:00:00Z')],
  ['an empty expiration', message => `${message}\nExpiration Time: `],
  ['an expiration that is no time', message => `${message}\nExpiration Time: never`],
  ['a leap second to expire at', message => `${message}\nExpiration Time: 2099-12-31T23:59:60Z`],
  ['a not-before that is no time', message => `${message}\nNot Before: now`],
  ['a leap second to begin at', message => `${message}\nNot Before: 2016-12-31T23:59:60Z`],
  [
    'not-before ahead of expiration',
    message => `${message}\nNot Before: ${past}\nExpiration Time: ${future}`,
  ],
  ['a resource that is no URI', message => `${message}\nResources:\n- a b`],
  ['a resource without its dash', message => `${message}\nResources:\nhttps://a.example`],
  ['a line feed after the resources', message => `${message}\nResources:\n- https://a.example\n`],
  ['a request id beyond ASCII', message => `${message}\nRequest ID: ünique`],
];

const past = '2020-01-01T00:00:00Z';
const future = '2099-01-01T00:00:00Z';

function flipCase(address: string): string {
  const index = [...address].findIndex((character, at) => at > 1 && /[a-f]/i.test(character));
  const character = address[index] ?? '';
  const other = character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();
  return address.slice(0, index) + other + address.slice(index + 1);
}

it.each(corpus)('%s', async (_, malform) => {
  const { nonce } = await nonceFor(wallet);
  const good = messageOf(wallet, nonce);
  const malformed = malform(good);
  expect(malformed).not.toBe(good);
  expect(await prove(wallet, malformed)).toMatchObject({
    status: 400,
    body: { code: 'invalid_wallet_proof' },
  });
  expect(await prove(wallet, good)).toMatchObject({ status: 400, body: { code: 'invalid_wallet_proof' } });
});

it.each([
  ['of seven digits', '1234567'],
  ['with a zero in front', '0123456789'],
  ['with letters', 'abcdefgh12345678'],
  ['with a sign', '+12345678'],
  ['beyond 2^53', '99999999999999999999'],
  ['empty', ''],
])('a nonce %s', async (_, nonce) => {
  const { nonce: real } = await nonceFor(wallet);
  const message = messageOf(wallet, real).replace(real, nonce);
  expect(await prove(wallet, message)).toMatchObject({ status: 400, body: { code: 'invalid_wallet_proof' } });
});

it('no nonce', async () => {
  const { nonce } = await nonceFor(wallet);
  const message = without('Nonce')(messageOf(wallet, nonce));
  expect(await prove(wallet, message)).toMatchObject({ status: 400, body: { code: 'invalid_wallet_proof' } });
});

it('takes the message none of this was done to', async () => {
  const { nonce } = await nonceFor(wallet);
  expect((await prove(wallet, messageOf(wallet, nonce))).status).toBe(200);
});
