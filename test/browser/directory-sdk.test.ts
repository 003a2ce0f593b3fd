/** S62: the directory vendor's own clients, untouched: an app's server in Node, and an app in Node and in a page. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeInBrowser, launchBrowser } from './support/chromium.ts';
import { type Device, openNode, openPage } from './support/device.ts';
import { ban, bearer, call, keys, usher } from './support/usher.ts';

const APP = 'mitter/app.ts';
type AppDevice = Device<typeof APP>;

let server: Device<'mitter/server.ts'>;

beforeAll(async () => {
  server = await openNode('mitter/server.ts');
  await server.call('start', usher, keys.accessKey, keys.accessSecret);
});
afterAll(() => server?.close());

async function issueToken(userId: string): Promise<string> {
  expect(await server.call('makeUser', userId, 'Ada')).toBe(userId);
  return server.call('issueToken', userId);
}

it('an app server makes a user, reads them and issues their token by signed requests', async () => {
  const token = await issueToken('served-by-node');
  expect(token.split('.')).toHaveLength(3);
  expect(await server.call('readUser', 'served-by-node')).toMatchObject({
    userId: 'served-by-node',
    screenName: { screenName: 'Ada' },
  });
});

/** What an app with an issued token does, wherever it runs. */
function everywhere(open: () => Promise<AppDevice>, where: string) {
  it('reads, sets presence and signs out', async () => {
    const userId = `${where}-reader`;
    const token = await issueToken(userId);
    const device = await open();
    await device.call('useToken', token);
    expect(await device.call('userId')).toEqual({ value: userId });
    expect(await device.call('read', 'me')).toMatchObject({ value: { userId } });
    const presence = { type: 'mitter.up.Online', timeToLive: 0 };
    expect(await device.call('setPresence', presence)).not.toHaveProperty('status');
    expect(await device.call('readPresence')).toMatchObject({
      value: { userId: { identifier: userId }, presence: { presence: { type: 'mitter.up.Online' } } },
    });
    expect(await device.call('signOut')).not.toHaveProperty('status');
    expect((await call('GET', '/v1/users/me', bearer(token))).status).toBe(401);
    expect(await device.call('expired')).toBe(0);
  });

  it('has its onTokenExpire called after a ban', async () => {
    const userId = `${where}-banned`;
    const device = await open();
    await device.call('useToken', await issueToken(userId));
    expect(await device.call('read', 'me')).toMatchObject({ value: { userId } });
    expect((await ban(userId)).status).toBe(200);
    expect(await device.call('read', 'me')).toEqual({ status: 401 });
    expect(await device.call('expired')).toBe(1);
  });
}

describe('mitter in Node', () => {
  let device: AppDevice | undefined;
  afterEach(() => device?.close());

  everywhere(async () => {
    device = await openNode(APP);
    await device.call('start', usher);
    return device;
  }, 'in-node');
});

describeInBrowser('mitter in a page of another origin', () => {
  let browser: Browser;
  let context: BrowserContext | undefined;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  afterEach(() => context?.close());

  everywhere(async () => {
    context = await browser.newContext();
    const page = await openPage(context, APP);
    await page.call('start', usher);
    return page;
  }, 'in-page');
});
