import type { IdentifierSession } from './contract.ts';

const unixSeconds = (at: number): number => Math.floor(at / 1000);

/** The answer of `POST /api/sessions`; times in unix seconds. */
export function presentStarted({ token, session }: { token: string; session: IdentifierSession }) {
  const { activatedAt, expiresAt } = session;
  return { data: { token, activatedAt: unixSeconds(activatedAt), expiresAt: unixSeconds(expiresAt) } };
}

/** The answer of `GET /api/sessions/current`. */
export function presentIdentifierSession({ session, identifier, activatedAt, expiresAt }: IdentifierSession) {
  return {
    data: { session, identifier, activatedAt: unixSeconds(activatedAt), expiresAt: unixSeconds(expiresAt) },
  };
}
