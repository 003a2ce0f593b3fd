import { expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { makeMasterSecret, makeSigningKey } from '../src/dev/secrets.ts';

const [signingKey, otherKey] = await Promise.all([makeSigningKey(), makeSigningKey()]);
const good = {
  ENVIRONMENT: 'production',
  PUBLIC_URL: 'https://usher.example',
  SIGNING_KEYS: JSON.stringify({ keys: [signingKey] }),
  MASTER_SECRETS: makeMasterSecret(1),
};

function problemsOf(change: Record<string, unknown>): string {
  const read = readConfig({ ...good, ...change });
  return read.ok ? '' : read.problems.join('\n');
}

it('takes a whole production configuration, with the safe defaults', () => {
  const read = readConfig(good);
  expect(read).toMatchObject({
    ok: true,
    config: { development: false, networkMode: 'secure', allowedOrigins: [], serverTiming: false },
  });
});

it.each([
  ['a missing address', { PUBLIC_URL: undefined }, 'PUBLIC_URL'],
  ['plain http', { PUBLIC_URL: 'http://usher.example' }, 'https'],
  ['an address with a path', { PUBLIC_URL: 'https://usher.example/api' }, 'origin'],
  ['missing signing keys', { SIGNING_KEYS: undefined }, 'SIGNING_KEYS'],
  ['empty signing keys', { SIGNING_KEYS: '' }, 'SIGNING_KEYS'],
  ['no signing key', { SIGNING_KEYS: '{"keys":[]}' }, 'at least one'],
  ['signing keys that are no JSON', { SIGNING_KEYS: 'secret' }, 'not JSON'],
  [
    'a public signing key',
    { SIGNING_KEYS: JSON.stringify({ keys: [{ ...signingKey, d: undefined }] }) },
    'keys.0.d',
  ],
  [
    'a made-up signing key',
    { SIGNING_KEYS: JSON.stringify({ keys: [{ ...signingKey, d: 'A'.repeat(43), x: 'A'.repeat(43) }] }) },
    'keys.0.d',
  ],
  [
    'halves of two signing keys',
    { SIGNING_KEYS: JSON.stringify({ keys: [{ ...signingKey, x: otherKey.x }] }) },
    'does not belong',
  ],
  [
    'another kind of key',
    { SIGNING_KEYS: JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'a' }] }) },
    'keys.0.kty',
  ],
  ['a kid used twice', { SIGNING_KEYS: JSON.stringify({ keys: [signingKey, signingKey] }) }, 'kid twice'],
  ['missing master secrets', { MASTER_SECRETS: undefined }, 'MASTER_SECRETS'],
  ['a short master secret', { MASTER_SECRETS: '1:c2hvcnQ' }, '32 random bytes'],
  ['a made-up master secret', { MASTER_SECRETS: `1:${'A'.repeat(43)}` }, 'not random'],
  ['a default master secret', { MASTER_SECRETS: 'changeme' }, 'ring'],
  ['a version used twice', { MASTER_SECRETS: `${makeMasterSecret(1)},${makeMasterSecret(1)}` }, 'twice'],
  ['a plain challenge that is neither', { PLAIN_WALLET_CHALLENGE: 'true' }, 'PLAIN_WALLET_CHALLENGE'],
  ['an RPC over plain http', { ETHEREUM_RPC_URL: 'http://rpc.example' }, 'ETHEREUM_RPC_URL'],
  ['an RPC that is no address', { ETHEREUM_RPC_URL: 'rpc.example' }, 'ETHEREUM_RPC_URL'],
  ['an unknown network mode', { NETWORK_MODE: 'closed' }, 'NETWORK_MODE'],
  ['a lifetime beyond a year', { ACCESS_TOKEN_SECONDS: '31536001' }, 'a year'],
  ['another lifetime beyond a year', { IDENTIFIER_SESSION_SECONDS: '1e9' }, 'a year'],
  ['the null origin', { ALLOWED_ORIGINS: 'null' }, 'sandboxed'],
  ['every origin', { ALLOWED_ORIGINS: 'https://app.example,*' }, 'every page'],
  ['an empty origin', { ALLOWED_ORIGINS: 'https://app.example,' }, 'empty entry'],
  ['an origin with a slash', { ALLOWED_ORIGINS: 'https://app.example/' }, 'write https://app.example'],
  ['an origin with a path', { ALLOWED_ORIGINS: 'https://app.example/x' }, 'write https://app.example'],
  ['an origin in capitals', { ALLOWED_ORIGINS: 'https://App.Example' }, 'write https://app.example'],
  ['an origin with its standard port', { ALLOWED_ORIGINS: 'https://app.example:443' }, 'write'],
  ['an origin with a user', { ALLOWED_ORIGINS: 'https://a@app.example' }, 'write https://app.example'],
  ['an origin over plain http', { ALLOWED_ORIGINS: 'http://app.example' }, 'https'],
  ['a pattern of origins', { ALLOWED_ORIGINS: 'https://*.app.example' }, 'ALLOWED_ORIGINS'],
  ['a host without a scheme', { ALLOWED_ORIGINS: 'app.example' }, 'not an origin'],
  ['the origin of files', { ALLOWED_ORIGINS: 'file://' }, 'ALLOWED_ORIGINS'],
  ['a lifetime that is no number', { ACCESS_TOKEN_SECONDS: 'long' }, 'ACCESS_TOKEN_SECONDS'],
])('S49 refuses %s', (_, change, said) => {
  expect(problemsOf(change)).toContain(said);
});

it('takes the origins of pages, of apps in a web view and of extensions', () => {
  const origins = [
    'https://app.example',
    'https://app.example:8443',
    'http://localhost:3000',
    'capacitor://localhost',
    'tauri://localhost',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  ];
  expect(readConfig({ ...good, ALLOWED_ORIGINS: origins.join(', ') })).toMatchObject({
    ok: true,
    config: { allowedOrigins: origins },
  });
});

it('says every problem at once', () => {
  expect(problemsOf({ SIGNING_KEYS: undefined, MASTER_SECRETS: undefined }).split('\n')).toHaveLength(2);
});

it('fills in an address in development, where its own pages may call', () => {
  expect(readConfig({ ...good, ENVIRONMENT: 'development', PUBLIC_URL: undefined })).toMatchObject({
    ok: true,
    config: {
      publicUrl: 'http://localhost:8787',
      allowedOrigins: ['http://localhost:8787'],
      serverTiming: true,
    },
  });
});

it('takes pages of every local port in development only', () => {
  expect(readConfig(good)).toMatchObject({ config: { localOrigins: false } });
  expect(problemsOf({ LOCAL_ORIGINS: 'on' })).toContain('LOCAL_ORIGINS: is for development only');
  const local = { ENVIRONMENT: 'development', LOCAL_ORIGINS: 'on' };
  expect(readConfig({ ...good, ...local })).toMatchObject({ config: { localOrigins: true } });
});

it('wants wallets to be named, and asks no RPC, unless told otherwise', () => {
  expect(readConfig(good)).toMatchObject({ config: { plainWalletChallenge: false, ethereumRpcUrl: null } });
  const told = { PLAIN_WALLET_CHALLENGE: 'on', ETHEREUM_RPC_URL: 'https://rpc.example/key' };
  expect(readConfig({ ...good, ...told })).toMatchObject({
    config: { plainWalletChallenge: true, ethereumRpcUrl: 'https://rpc.example/key' },
  });
  const local = { ENVIRONMENT: 'development', ETHEREUM_RPC_URL: 'http://localhost:8545' };
  expect(readConfig({ ...good, ...local })).toMatchObject({ config: { plainWalletChallenge: true } });
});
