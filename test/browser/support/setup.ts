/**
 * Once for all tests with vendors' clients: installs the SDKs, serves Usher by `npm run dev`, and serves pages from
 * another origin, which is on the allow-list.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import type { LocalKeys } from '../../../src/dev/local-keys.ts';
import { ensureDevVars } from '../../../src/dev/secrets.ts';
import {
  freePort,
  keysOf,
  makeLaptop,
  plainEnv,
  startDevServer,
} from '../../end-to-end/support/dev-server.ts';
import { CLIENTS, folderOf, servePages } from './page-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    usher: string;
    pages: string;
    keys: LocalKeys;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  await Promise.all(CLIENTS.map(client => install(folderOf(client))));
  const laptop = makeLaptop();
  const port = await freePort();
  const pages = `http://localhost:${port}`;
  await ensureDevVars(laptop.devVars);
  appendFileSync(laptop.devVars, `ALLOWED_ORIGINS=${pages}\n`);
  const pageServer = await servePages(port);
  const server = await startDevServer(await freePort(), laptop);
  provide('usher', server.url);
  provide('pages', pages);
  provide('keys', await keysOf(laptop));
  return async () => {
    pageServer.close();
    server.run.signalAll('SIGKILL');
    await server.run.exit;
    laptop.discard();
  };
}

/** `npm ci`, where it was not done since the lock file changed. No package runs a script of its own. */
async function install(folder: string): Promise<void> {
  if (changedAt(`${folder}/node_modules/.package-lock.json`) >= changedAt(`${folder}/package-lock.json`))
    return;
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  await promisify(execFile)('npm', args, { cwd: folder, env: plainEnv() });
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
