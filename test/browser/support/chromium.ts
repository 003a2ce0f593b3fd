import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser of this machine: what `CHROMIUM` names, otherwise the first on the path. */
function findBrowser(): string | null {
  const folders = process.env.PATH?.split(delimiter) ?? [];
  const found = NAMES.flatMap(name => folders.map(folder => join(folder, name))).find(isExecutable);
  return process.env.CHROMIUM ?? found ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const executablePath = findBrowser();

/** Tests that need a browser. Where there is none they are skipped, and fail in CI. */
export const describeInBrowser = executablePath || process.env.CI ? describe : describe.skip;

export async function launchBrowser(): Promise<Browser> {
  if (!executablePath) throw new Error('There is no browser. Install Chromium, or let CHROMIUM name one.');
  return chromium.launch({
    executablePath,
    // CI runs as root, where Chromium has no sandbox. The tests need no other host than this one.
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
}
