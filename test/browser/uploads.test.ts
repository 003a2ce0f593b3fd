/** S43 in a real page: an upload that a page of another origin tries to run. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { describeInBrowser, launchBrowser } from './support/chromium.ts';
import { bearer, call, usher } from './support/usher.ts';

const SCRIPT = 'globalThis.ran = true;';

async function uploadScript(type: string): Promise<string> {
  const username = `runs${type.replaceAll(/[^a-z]/g, '')}`.slice(0, 25);
  const registration = { name: 'Ada', username, password: 'a long and good password' };
  const { body } = await call('POST', '/users', {}, registration);
  const answer = await fetch(`${usher}/uploads`, {
    method: 'POST',
    headers: { ...bearer(body.deviceSessions[0].accessToken), 'content-type': type },
    body: SCRIPT,
  });
  expect(answer.status).toBe(200);
  const { name } = (await answer.json()) as { name: string };
  return `${usher}/uploads/${name}`;
}

describeInBrowser('an uploaded script', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  it.each(['js', 'text/javascript', 'application/ecmascript', 'mjs', 'text/plain', 'json'])(
    'declared as %s is not run by a page that names it',
    async type => {
      const page = await browser.newPage();
      await page.goto(`${inject('pages')}/mitter`);
      const address = await uploadScript(type);
      const outcome = await page.evaluate(`new Promise(resolve => {
        const script = document.createElement('script');
        script.src = ${JSON.stringify(address)};
        script.onload = () => resolve('loaded');
        script.onerror = () => resolve('refused');
        document.head.append(script);
      })`);
      expect([outcome, await page.evaluate('globalThis.ran')]).toEqual(['refused', undefined]);
      await page.close();
    },
  );
});
