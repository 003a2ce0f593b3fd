/** The SDK vendor's own clients renew by signing in again, and every tab signs in for itself. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../end-to-end/support/until.ts';
import { describeInBrowser, launchBrowser } from './support/chromium.ts';
import { openPage } from './support/device.ts';
import { renewed, SOCIAL } from './support/social.ts';
import { app, bearer, call, keys, usher } from './support/usher.ts';

const verify = async (token: string) => (await call('GET', '/api/v5/sessions', bearer(token))).status;

describeInBrowser.each(SOCIAL)('%s in a page of another origin', client => {
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  afterEach(() => context?.close());

  async function openTab(of: BrowserContext) {
    const tab = await openPage(of, client);
    await tab.call('start', usher, keys.publishableKey);
    return tab;
  }

  it('keeps both tabs signed in, and signs both out', async () => {
    context = await browser.newContext();
    const [one, two] = [await openTab(context), await openTab(context)];
    const userId = `tabs-${client.split('/')[0]}`;
    const first = (await one.call('signIn', userId)).token?.accessToken ?? '';
    const second = (await two.call('signIn', userId)).token?.accessToken ?? '';
    expect(second).not.toBe(first);
    for (const tab of [one, two]) {
      expect(await tab.call('readUsers', userId)).toMatchObject({
        value: [{ userId }],
        state: 'established',
      });
    }
    const devices = await call('GET', '/users/me/devices', bearer(first));
    expect(devices.body).toHaveLength(1);
    expect((await two.call('signOut')).value).toBe(true);
    expect(await one.call('readUsers', userId)).toMatchObject({ error: { code: 400100 } });
    await until('the other tab is signed out', async () => (await one.call('look')).state === 'terminated');
  });

  it('renews by itself before its token expires, and keeps its room', async () => {
    context = await browser.newContext();
    const page = await openTab(context);
    // The clock is the page's own: the server's goes on as it does.
    await page.page.clock.install();
    const userId = `roomer-${client.split('/')[0]}`;
    const first = (await page.call('signIn', userId)).token?.accessToken ?? '';
    const host = await call('POST', '/api/v5/sessions', app, { userId: `host-of-${userId}`, deviceId: 'd' });
    const room = await call('POST', '/session', { ...bearer(host.body.accessToken), ...app }, {});
    expect(room.status).toBe(200);
    const joined = await call('POST', '/session/join', bearer(first), { sessionId: room.body.sessionId });
    expect(joined.status).toBe(200);
    const member = bearer(joined.body.credentials.token);
    expect((await call('GET', '/session/current', member)).status).toBe(200);

    await page.page.clock.fastForward('51:00');
    const second = await renewed(page, first);
    expect(await verify(second)).toBe(200);
    expect(await verify(first)).toBe(200);
    const { status, body } = await call('GET', '/session/current', member);
    expect(status).toBe(200);
    expect(body.users.map((user: { id: string }) => user.id).toSorted()).toEqual([
      `host-of-${userId}`,
      userId,
    ]);
  });
});
