/** S62: the SDK vendor's own clients, untouched: what an app on them does, in a page of another origin and in Node. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../end-to-end/support/until.ts';
import { describeInBrowser, launchBrowser } from './support/chromium.ts';
import { type Device, openNode, openPage } from './support/device.ts';
import { renewed, SOCIAL, type Social } from './support/social.ts';
import { app, ban, bearer, call, keys, system, usher } from './support/usher.ts';

const { publishableKey } = keys;

const verify = async (token: string) => (await call('GET', '/api/v5/sessions', bearer(token))).status;

/** What an app on either SDK does, wherever it runs. */
function everywhere(open: () => Promise<Device<Social>>, name: string) {
  it('signs in, reads and changes users', async () => {
    const device = await open();
    const signedIn = await device.call('signIn', `${name}-reader`, `Ada\n${'x'.repeat(120)}`);
    expect(signedIn).toMatchObject({ value: true, state: 'established' });
    expect(await device.call('states')).toEqual(['establishing', 'established']);
    await call('POST', '/api/v5/sessions', app, { userId: `${name} & co`, deviceId: 'd' });
    const read = await device.call('readUsers', `${name}-reader`, `${name} & co`);
    expect(read.value).toMatchObject([
      { userId: `${name}-reader`, displayName: `Ada ${'x'.repeat(96)}`, userType: 'signed-in' },
      { userId: `${name} & co` },
    ]);
    const changed = await device.call('changeUser', `${name}-reader`, {
      displayName: 'Ada',
      metadata: { a: 1 },
    });
    expect(changed.value).toMatchObject({ displayName: 'Ada', metadata: { a: 1 } });
  });

  it('renews by signing in again, and signs out', async () => {
    const device = await open();
    const { token } = await device.call('signIn', `${name}-renewer`);
    const first = token?.accessToken ?? '';
    await device.call('renew');
    const second = await renewed(device, first);
    expect((await device.call('look')).state).toBe('established');
    expect(await verify(second)).toBe(200);
    expect(await device.call('signOut')).toMatchObject({ value: true, state: 'notLoggedIn' });
    expect(await verify(second)).toBe(401);
  });

  it('hears of a ban: its session is terminated', async () => {
    const device = await open();
    const userId = `${name}-banned`;
    await device.call('signIn', userId);
    expect((await ban(userId)).status).toBe(200);
    expect(await device.call('readUsers', userId)).toMatchObject({ error: { code: 400100 } });
    await until('the session is terminated', async () => (await device.call('look')).state === 'terminated');
  });

  it('hears that it is banned when it signs in', async () => {
    const userId = `${name}-unwelcome`;
    await call('POST', '/v1/users', system, { userId, screenName: { screenName: 'x' } });
    await ban(userId);
    const { body: authToken } = await call('GET', `/api/v3/authentication/token?userId=${userId}`, system);
    const device = await open();
    const refused = await device.call('signInWith', userId, authToken);
    expect(refused).toMatchObject({ error: { code: 400312 } });
  });
}

describe.each(SOCIAL)('%s in Node', client => {
  const devices: Device<Social>[] = [];
  afterEach(async () => {
    await Promise.all(devices.splice(0).map(device => device.close()));
  });

  everywhere(
    async () => {
      const device = await openNode(client);
      devices.push(device);
      await device.call('start', usher, publishableKey);
      return device;
    },
    `node-${client.split('/')[0]}`,
  );
});

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
    await tab.call('start', usher, publishableKey);
    return tab;
  }

  everywhere(
    async () => {
      context = await browser.newContext();
      return openTab(context);
    },
    `page-${client.split('/')[0]}`,
  );

  it('signs in with real-time events on, which no server here answers', async () => {
    context = await browser.newContext();
    const tab = await openPage(context, client);
    await tab.call('start', usher, publishableKey, true);
    const userId = `eventful-${client.split('/')[0]}`;
    expect(await tab.call('signInWithEvents', userId)).toMatchObject({ value: true, state: 'established' });
    expect(await tab.call('readUsers', userId)).toMatchObject({ value: [{ userId }] });
    expect(await tab.call('signOut')).toMatchObject({ value: true });
  });

  it('signs in from a browser with a long User-Agent', async () => {
    context = await browser.newContext({ userAgent: `Mozilla/5.0 ${'(a long one) '.repeat(30)}` });
    const tab = await openTab(context);
    expect(await tab.call('signIn', `long-agent-${client.split('/')[0]}`)).toMatchObject({ value: true });
  });
});

describeInBrowser('amity-react-native 7.x in a page of another origin', () => {
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await launchBrowser();
    context = await browser.newContext();
  });
  afterAll(() => browser?.close());

  async function openTab() {
    const tab = await openPage(context, 'amity-react-native/app.ts');
    await tab.call('start', usher, publishableKey);
    return tab;
  }

  it('resumes a session after a reload', async () => {
    const tab = await openTab();
    const { token } = await tab.call('signIn', 'resumes', 'Ada');
    await tab.page.reload();
    await tab.call('start', usher, publishableKey);
    if (!token) throw new Error('no token');
    const resumed = await tab.call('resume', 'resumes', token);
    expect(resumed).toMatchObject({ value: true });
    expect((await tab.call('readUsers', 'resumes')).value).toMatchObject([{ displayName: 'Ada' }]);
  });

  it('lets a device without a user visit, and come again as the same guest', async () => {
    const tab = await openTab();
    expect(await tab.call('visit')).toMatchObject({ value: true, state: 'established' });
    const { value: guest } = await tab.call('look');
    expect(guest).toMatch(/^guest:/);
    expect(await tab.call('signOut')).toMatchObject({ value: true, state: 'notLoggedIn' });
    expect(await tab.call('visit')).toMatchObject({ value: true });
    expect((await tab.call('look')).value).toBe(guest);
  });
});
