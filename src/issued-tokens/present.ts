import type { DeviceSession } from '../device-sessions/contract.ts';
import { presentDevice } from '../device-sessions/present.ts';
import type { IssuedToken } from './service.ts';

const seconds = (ms: number): number => Math.round(ms / 1000);

/** A token just issued or extended. Its text is shown once. */
export function presentIssued(token: IssuedToken, publicUrl: string) {
  const { tokenId, signedToken, issuedAt, expiresAt, logoutToken } = token;
  return {
    userToken: {
      signedToken,
      tokenId,
      ttl: seconds(expiresAt - issuedAt),
      supportedHeaders: ['Authorization', 'X-Issued-Mitter-User-Authorization'],
      supportedCookies: [],
      logoutUrl: `${publicUrl}/v1/users/me/logout?token=${logoutToken}`,
    },
  };
}

/** A token in a list. `ttl` is the seconds it has left. */
export function presentToken(session: DeviceSession, now: number) {
  const { id, deviceId, deviceInfo, createdAt, expiresAt } = presentDevice(session, '');
  return {
    tokenId: id,
    ttl: Math.max(0, seconds(Date.parse(expiresAt) - now)),
    createdAt,
    device: { id: deviceId, ...deviceInfo },
  };
}

/** The page that a browser shows after a logout link. */
export const signedOutPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signed out</title>
<h1>You are signed out</h1>
<p>This device is no longer signed in. You can close this page.</p>
</html>
`;
