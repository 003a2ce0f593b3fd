import type { SignedIn } from '../device-sessions/service.ts';
import { iso } from '../times.ts';

/** The answer of a good proof: the tokens of the device session that it opened. */
export function presentProven({ tokens: { accessToken, refreshToken, expiresAt } }: SignedIn) {
  return { token: accessToken, refreshToken, expiresAt: iso(expiresAt) };
}
