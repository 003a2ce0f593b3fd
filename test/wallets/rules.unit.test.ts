import fc from 'fast-check';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { mayChangeWallets } from '../../src/locators/rules.ts';
import { fromHex, hashPersonalMessage, recoverSigner } from '../../src/wallets/ethereum.ts';
import { readMessage, type SignInMessage, writeMessage } from '../../src/wallets/message.ts';
import { faultOf, NONCE_LIFE_MS, nonceEndsAt, nonceOf, toNonce } from '../../src/wallets/rules.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const ADDRESS = '0xd8da6bf26964af9d7eed9e03e53415d37aa96045';
const iso = (at: number) => new Date(at).toISOString();
const message: SignInMessage = {
  domain: 'usher.example',
  address: ADDRESS,
  uri: 'https://usher.example/login',
  version: '1',
  chainId: 1,
  nonce: '12345678',
  issuedAt: iso(NOW),
};
const issued = { address: ADDRESS, chainId: 1, issuedAt: NOW };
const facts = { publicUrl: 'https://usher.example', issued, address: ADDRESS, messageAddress: ADDRESS };
const fault = (changes: Partial<SignInMessage>, now = NOW) =>
  faultOf({ ...facts, message: { ...message, ...changes } }, now);

describe('nonces', () => {
  it('are integers from 10^7 below 2^53, of all their bits', () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(bytes, random => {
        const nonce = toNonce(random);
        return nonce === null || (Number.isSafeInteger(nonce) && nonce >= 1e7 && nonce < 2 ** 53);
      }),
    );
    expect(toNonce(new Uint8Array(8).fill(255))).toBe(2 ** 53 - 1);
    const of = (value: number) => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer).reverse();
    expect(toNonce(of(1e7))).toBe(1e7);
    expect(toNonce(of(1e7 - 1))).toBe(null);
    expect(toNonce(of(0))).toBe(null);
  });

  it('are found in what is no message, and only where they could be ours', () => {
    expect(nonceOf('Nonce: 12345678', null)).toBe('12345678');
    expect(nonceOf('nonce\t=\r\n12345678', null)).toBe('12345678');
    expect(nonceOf('Nonce: 99999999', message)).toBe('12345678');
    for (const text of [
      '',
      'Nonce: 1234567',
      'Nonce: 01234567',
      `Nonce: ${'1'.repeat(17)}`,
      'Nonce: abcdefgh',
    ]) {
      expect(nonceOf(text, null)).toBe(null);
    }
    expect(nonceOf('', { ...message, nonce: 'abcdefgh' })).toBe(null);
  });
});

describe('a message', () => {
  it('holds as it stands', () => {
    expect(fault({})).toBe(null);
    expect(fault({ scheme: 'https', uri: 'https://usher.example' })).toBe(null);
  });

  it('is issued within the life of its nonce, give or take five seconds before', () => {
    expect(fault({ issuedAt: iso(NOW - 5_000) })).toBe(null);
    expect(fault({ issuedAt: iso(NOW - 5_001) })).toContain('issued');
    expect(fault({ issuedAt: iso(nonceEndsAt(issued)) })).toBe(null);
    expect(fault({ issuedAt: iso(NOW + NONCE_LIFE_MS + 1) })).toContain('issued');
    expect(fault({ issuedAt: '2026-11-20T13:00:00.000+01:00' })).toBe(null);
    expect(fault({ issuedAt: 'never' })).toContain('issued');
  });

  it('expires and begins at the exact instant', () => {
    expect(fault({ expirationTime: iso(NOW + 1) })).toBe(null);
    expect(fault({ expirationTime: iso(NOW) })).toContain('expired');
    expect(fault({ expirationTime: '2099-12-31T23:59:60Z' })).toContain('expired');
    expect(fault({ notBefore: iso(NOW) })).toBe(null);
    expect(fault({ notBefore: iso(NOW + 1) })).toContain('not valid yet');
    expect(fault({ notBefore: '2016-12-31T23:59:60Z' })).toContain('not valid yet');
  });

  it.each([
    ['domain', { domain: 'usher.example:443' }],
    ['domain', { domain: 'Usher.example' }],
    ['scheme', { scheme: 'http' }],
    ['URI', { uri: 'http://usher.example/' }],
    ['URI', { uri: 'https://usher.example:8443/' }],
    ['URI', { uri: 'https://usher.example@evil.example/' }],
    ['URI', { uri: 'https://me@usher.example/' }],
    ['URI', { uri: 'https://:word@usher.example/' }],
    ['URI', { uri: 'urn:usher' }],
    ['URI', { uri: 'usher' }],
    ['version', { version: '2' }],
    ['chain', { chainId: 5 }],
  ])('does not hold with another %s: %j', (said, changes) => {
    expect(fault(changes)).toContain(said);
  });

  it('is of the wallet that claims it, and of the one its nonce names', () => {
    expect(faultOf({ ...facts, message, messageAddress: `0x${'1'.repeat(40)}` }, NOW)).toContain('wallet');
    expect(faultOf({ ...facts, message, messageAddress: null }, NOW)).toContain('wallet');
    const other = { ...issued, address: `0x${'1'.repeat(40)}` };
    expect(faultOf({ ...facts, issued: other, message }, NOW)).toContain('nonce');
    expect(faultOf({ ...facts, issued: { ...issued, address: null }, message }, NOW)).toBe(null);
  });

  it('is read as it was written, whatever it holds', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9._~-]{1,20}$/);
    const times = fc
      .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
      .map(date => date.toISOString());
    const messages = fc.record(
      {
        scheme: fc.constantFrom('http', 'https'),
        domain: fc.constantFrom('a.example', 'localhost:8787', '[::1]:80', '127.0.0.1'),
        address: fc.constant('0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045'),
        statement: word,
        uri: word.map(path => `https://a.example/${path}`),
        version: fc.constant('1'),
        chainId: fc.nat(),
        nonce: fc.stringMatching(/^[a-zA-Z0-9]{8,20}$/),
        issuedAt: times,
        expirationTime: times,
        notBefore: times,
        requestId: word,
        resources: fc.array(word.map(path => `ipfs://${path}`)),
      },
      { requiredKeys: ['domain', 'address', 'uri', 'version', 'chainId', 'nonce', 'issuedAt'] },
    );
    fc.assert(
      fc.property(messages, fields => {
        expect(readMessage(writeMessage(fields))).toMatchObject(fields);
      }),
    );
  });
});

describe('a signature', () => {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const text = 'Zoë signs 🖋';
  const signed = async () => fromHex(await wallet.signMessage({ message: text })) ?? new Uint8Array();
  const signer = (signature: Uint8Array) => recoverSigner(hashPersonalMessage(text), signature);

  it('names its wallet, with either spelling of the parity', async () => {
    const signature = await signed();
    expect(signer(signature)).toBe(wallet.address.toLowerCase());
    signature[64] = (signature[64] ?? 0) - 27;
    expect(signer(signature)).toBe(wallet.address.toLowerCase());
  });

  it('names nobody where it is none', async () => {
    const signature = await signed();
    for (const parity of [2, 3, 26, 29, 30, 34]) {
      expect(signer(signature.with(64, parity))).toBe(null);
    }
    expect(signer(signature.subarray(0, 63))).toBe(null);
    expect(signer(new Uint8Array([...signature, ...new Uint8Array(16)]))).toBe(null);
    expect(signer(new Uint8Array(65))).toBe(null);
    expect(signer(new Uint8Array(65).fill(255).with(64, 27))).toBe(null);
    expect(recoverSigner(hashPersonalMessage(`${text} `), signature)).not.toBe(wallet.address.toLowerCase());
  });

  it('is hex in whole bytes', () => {
    expect(fromHex('0x')).toEqual(new Uint8Array());
    expect(fromHex('0xFf')).toEqual(new Uint8Array([255]));
    for (const none of ['', 'ff', '0xf', '0xzz', '0x\n', ' 0xff']) expect(fromHex(none)).toBe(null);
  });
});

describe('a device session', () => {
  const wallet = { proof: 'wallet', wallet: ADDRESS, signedInAt: NOW } as const;
  const user = { wallets: [ADDRESS], username: null };

  it('vouches for five minutes, where it rests on more than a name', () => {
    for (const session of [
      wallet,
      { ...wallet, proof: 'authToken' },
      { ...wallet, proof: 'token' },
    ] as const) {
      expect(mayChangeWallets(session, user, NOW + 300_000).ok).toBe(true);
      expect(mayChangeWallets(session, user, NOW + 300_001).ok).toBe(false);
    }
    for (const proof of ['userId', 'password'] as const) {
      expect(mayChangeWallets({ proof, signedInAt: NOW }, user, NOW).ok).toBe(false);
    }
  });

  it('vouches by its wallet only while that is theirs', () => {
    expect(mayChangeWallets(wallet, { ...user, wallets: [] }, NOW).ok).toBe(false);
    expect(mayChangeWallets({ ...wallet, proof: 'authToken' }, { ...user, wallets: [] }, NOW).ok).toBe(true);
  });

  it('does not vouch by its wallet for who has a password to say', () => {
    expect(mayChangeWallets(wallet, { ...user, username: 'somebody' }, NOW).ok).toBe(false);
    expect(mayChangeWallets({ ...wallet, proof: 'token' }, { ...user, username: 'somebody' }, NOW).ok).toBe(
      true,
    );
  });
});
