/** Clients we did not write, as their own documents show them, against a real server. */
import axios from 'axios';
import * as openid from 'openid-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevServer, freePort, keysOf, makeLaptop, startDevServer } from './support/dev-server.ts';

const laptop = makeLaptop();
let server: DevServer;
let keys: Record<'publishableKey' | 'secretKey' | 'accessKey' | 'accessSecret', string>;

beforeAll(async () => {
  server = await startDevServer(await freePort(), laptop);
  keys = await keysOf(laptop);
});

afterAll(() => {
  server?.run.signalAll('SIGKILL');
  laptop.discard();
});

async function signIn(userId: string): Promise<{ accessToken: string; refreshToken: string }> {
  const { data } = await axios.post(
    `${server.url}/api/v3/sessions`,
    { userId, deviceId: 'axios' },
    { headers: { 'x-api-key': keys.publishableKey } },
  );
  return data;
}

it('axios gets an identifier session the way its vendor shows, stray header and all', async () => {
  const data = JSON.stringify({ identifier: 'device_unique_id_here' });
  const config = {
    method: 'post',
    maxBodyLength: Number.POSITIVE_INFINITY,
    url: `${server.url}/api/sessions`,
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer YOUR_ACCESS_TOKEN' },
    data,
  };
  const response = await axios.request(config);
  expect(response.data).toEqual({
    data: { token: expect.any(String), activatedAt: expect.any(Number), expiresAt: expect.any(Number) },
  });
});

it('openid-client introspects and revokes with client authentication by Basic', async () => {
  const { accessToken, refreshToken } = await signIn('openid');
  const metadata = {
    issuer: server.url,
    introspection_endpoint: `${server.url}/oauth2/introspect`,
    revocation_endpoint: `${server.url}/oauth2/revoke`,
    jwks_uri: `${server.url}/.well-known/jwks.json`,
  };
  const client = new openid.Configuration(
    metadata,
    keys.accessKey,
    undefined,
    openid.ClientSecretBasic(keys.accessSecret),
  );
  openid.allowInsecureRequests(client);
  const living = await openid.tokenIntrospection(client, accessToken);
  expect(living).toMatchObject({ active: true, sub: 'openid', iss: server.url });
  await openid.tokenRevocation(client, refreshToken);
  expect(await openid.tokenIntrospection(client, accessToken)).toEqual({ active: false });
  const refused = await axios.get(`${server.url}/api/v3/sessions`, {
    headers: { Authorization: `Bearer ${accessToken}` },
    validateStatus: () => true,
  });
  expect(refused.status).toBe(401);
});
