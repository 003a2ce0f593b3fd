import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { inject } from 'vitest';
import type { DirectoryApp } from '../../clients/mitter/app.ts';
import type { DirectoryServer } from '../../clients/mitter/server.ts';
import type { SocialApp } from '../../clients/social-app.ts';

/** The apps by their files in `test/clients`. */
interface Apps {
  'amity/app.ts': SocialApp;
  'amity-react-native/app.ts': SocialApp;
  'mitter/app.ts': DirectoryApp;
  'mitter/server.ts': DirectoryServer;
}

// biome-ignore lint/suspicious/noExplicitAny: the parameters of any function.
type Anything = any;
type Answer<Call> = Call extends (...args: Anything) => infer Value ? Awaited<Value> : never;
type Given<Call> = Call extends (...args: infer Args) => unknown ? Args : never;

/** An app that runs somewhere, and is told what to do. */
export interface Device<File extends keyof Apps> {
  call<Name extends keyof Apps[File]>(
    name: Name,
    ...args: Given<Apps[File][Name]>
  ): Promise<Answer<Apps[File][Name]>>;
  close(): Promise<void>;
}

export interface PageDevice<File extends keyof Apps> extends Device<File> {
  page: Page;
}

declare const vendor: { app: Record<string, (...args: unknown[]) => Anything> };

/** The app in a page. Pages of one context are tabs of one browser. */
export async function openPage<File extends keyof Apps>(
  context: BrowserContext,
  file: File,
): Promise<PageDevice<File>> {
  const page = await context.newPage();
  await page.goto(`${inject('pages')}/${file.replace('/app.ts', '')}`);
  return {
    page,
    call: (name, ...args) =>
      page.evaluate(([method, given]) => vendor.app[method]?.(...given), [name as string, args] as const),
    close: () => page.close(),
  };
}

/** The app in a Node process of its own. */
export async function openNode<File extends keyof Apps>(file: File): Promise<Device<File>> {
  const host = fileURLToPath(new URL('../../clients/node-host.ts', import.meta.url).href);
  const child = fork(host, [file, inject('usher')], { execArgv: [], stdio: 'ignore' });
  let last = 0;
  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        last += 1;
        const id = last;
        const end = (code: number | null) => reject(new Error(`The app in Node ended with ${code}`));
        const hear = (message: { id: number; value?: Anything; error?: string }) => {
          if (message.id !== id) return;
          child.off('message', hear).off('exit', end);
          if (message.error === undefined) resolve(message.value);
          else reject(new Error(message.error));
        };
        child.on('message', hear).on('exit', end);
        child.send({ id, name, args });
      }),
    close: async () => {
      child.kill();
    },
  };
}
