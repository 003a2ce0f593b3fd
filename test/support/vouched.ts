import { call, claimsOf, keys, type SignedIn } from './client.ts';

/** Signs somebody in whom a secret key vouches for: they may set a first password. */
export async function vouchedFor(userId: string): Promise<SignedIn> {
  const headers = { 'x-server-key': keys.secretKey };
  const issued = await call('POST', '/api/v4/authentication/token', { headers, body: { userId } });
  const { status, body } = await call('POST', '/api/v5/sessions', {
    key: keys.publishableKey,
    body: { userId, deviceId: 'd', authToken: issued.body },
  });
  if (status !== 200) throw new Error(`sign-in of ${userId}: ${status} ${JSON.stringify(body)}`);
  const { accessToken, refreshToken, users } = body;
  const sid = claimsOf(accessToken).sid as string;
  return { uid: Number(users[0]._id), userId, accessToken, refreshToken, sid };
}
