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
  ['a lifetime that is no number', { ACCESS_TOKEN_SECONDS: 'long' }, 'ACCESS_TOKEN_SECONDS'],
])('S49 refuses %s', (_, change, said) => {
  expect(problemsOf(change)).toContain(said);
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
