import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { makeMasterSecret, makeSigningKey } from '../src/dev/secrets.ts';
import { rpcStub } from './support/rpc-stub.ts';

const root = new URL('..', import.meta.url).pathname;
const signingKeys = { keys: [await makeSigningKey(), await makeSigningKey()] };

/** Bindings of a deployment in development, with secrets made for this run alone. */
const bindings = {
  ENVIRONMENT: 'development',
  NETWORK_MODE: 'open',
  SIGNING_KEYS: JSON.stringify(signingKeys),
  MASTER_SECRETS: `${makeMasterSecret(2)},${makeMasterSecret(1)}`,
  NAME_PEPPERS: `${makeMasterSecret(2)},${makeMasterSecret(1)}`,
  PUBLIC_URL: 'http://localhost:8787',
  TEST_MIGRATIONS: await readD1Migrations(`${root}migrations`),
};

const inWorkerd = (name: string, include: string[], testTimeout: number) => ({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: { bindings, outboundService: rpcStub },
    }),
  ],
  test: {
    name,
    include,
    exclude: ['test/end-to-end/**', 'test/browser/**', 'test/clients/**', 'test/**/*.unit.test.ts'],
    setupFiles: [`${root}test/support/migrations.ts`],
    testTimeout,
  },
});

/** Vendors' clients in Node and in a browser, with one server for all of them. */
const withClients = {
  root,
  test: {
    name: 'browser',
    include: ['test/browser/**/*.test.ts'],
    globalSetup: [`${root}test/browser/support/setup.ts`],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
};

const onNode = (name: string, include: string[], testTimeout: number) => ({
  root,
  test: { name, include, testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  test: {
    silent: 'passed-only',
    // Of Vitest itself it would be one on two cores.
    maxWorkers: 2,
    projects: [
      onNode('unit', ['test/**/*.unit.test.ts'], 10_000),
      inWorkerd('workerd', ['test/**/*.test.ts'], 30_000),
      onNode('end-to-end', ['test/end-to-end/**/*.test.ts'], 120_000),
      inWorkerd('long', ['test/**/*.long.ts'], 600_000),
      onNode('end-to-end-long', ['test/end-to-end/**/*.long.ts'], 600_000),
      withClients,
    ],
  },
});
