import type { DeviceSession, Overview } from '../device-sessions/contract.ts';
import type { SignedIn, TokenPair } from '../device-sessions/service.ts';
import { iso } from '../times.ts';
import { presentUserInfo, whatApplies } from '../users/present.ts';

/** The caller's own record, their device sessions, and the token of the one that asks. */
export function presentMe({ record, session, sessions }: Overview, accessToken: string) {
  const lastSeen = Math.max(...sessions.map(({ lastUsedAt }) => lastUsedAt));
  const own = sessions.map(each =>
    presentDeviceSession(each, each.id === session.id ? { accessToken } : undefined),
  );
  // Absent from copies made before it was kept.
  const setAt = record.accountKeySetAt ?? null;
  const accountKeySetAt = setAt === null ? null : iso(setAt);
  return {
    ...presentUserInfo(record, lastSeen),
    deviceSessions: own,
    accountKeySetAt,
    userId: record.userId,
  };
}

/** Who has just signed in, and the device session it opened. */
export function presentSignedIn({ record, session, tokens }: SignedIn) {
  const opened = presentDeviceSession(session, tokens);
  return { ...presentUserInfo(record, session.lastUsedAt), deviceSessions: [opened] };
}

function presentDeviceSession(session: DeviceSession, tokens?: Partial<TokenPair>) {
  const { id, deviceId, deviceInfo, ipAddress, createdAt, lastUsedAt } = session;
  const { name, model, token, transport } = deviceInfo;
  return {
    id,
    ...whatApplies({
      accessToken: tokens?.accessToken,
      refreshToken: tokens?.refreshToken,
      expiresAt: tokens?.expiresAt === undefined ? null : iso(tokens.expiresAt),
      ipAddress,
    }),
    createdAt: iso(createdAt),
    updatedAt: iso(lastUsedAt),
    deviceInfo: { id: deviceId, ...whatApplies({ name, model, token, transport }) },
  };
}
