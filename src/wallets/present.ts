import type { SignedIn } from '../device-sessions/service.ts';
import type { LocatorRow } from '../users/service.ts';

/** The answer of a proof that held: tokens of the device session it opened. */
export function presentProven({ tokens: { accessToken, refreshToken, expiresAt } }: SignedIn) {
  return { token: accessToken, refreshToken, expiresAt: new Date(expiresAt).toISOString() };
}

/** A wallet among the locators of a user, as surface D shows them. */
export function presentWallet({ value, userLocatorId, verificationStatus }: LocatorRow) {
  return { '@type': 'wallet', address: value, locator: `wallet:${value}`, userLocatorId, verificationStatus };
}
