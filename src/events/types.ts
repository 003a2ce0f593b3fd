/**
 * What can happen, as one table: a type of event and the facts that belong to it. Lines of the log are made from it; what
 * is told to servers will be. No fact is ever a secret, a token, a password, a push token or a locator.
 */

/** Who did it. `system`: Usher itself, because a deadline passed or a repair ran. */
export type Actor =
  | { kind: 'user' /** Public. */; userId: string }
  | { kind: 'guest' /** `guest:<session>`. */; id: string }
  | { kind: 'key'; keyId: string }
  | { kind: 'link' }
  | { kind: 'system' };

/** Usher itself. */
export const BY_SYSTEM: Actor = { kind: 'system' };

/** Why a device session ended. */
export type DeviceSessionEnd =
  | 'signed_out'
  | 'replaced'
  | 'revoked'
  | 'refresh_reused'
  | 'password_changed'
  | 'closed'
  | 'banned'
  | 'erased'
  | 'expired'
  | 'too_many'
  | 'wallet_removed';

/** Why a member is gone. */
export type MemberEnd = 'left' | 'kicked' | 'signed_out' | 'timeout' | 'wallet_removed' | 'replaced';

/** Why a live session ended. */
export type LiveSessionEnd = 'expired' | 'empty' | 'deleted';

interface Caused<Cause extends string> {
  cause: Cause;
  actor: Actor;
}

export interface Events {
  'user.created': { by: 'sdk' | 'account' | 'directory' | 'wallet' };
  'user.updated': { members: string[] };
  'user.closed': Record<never, never>;
  'user.banned': { reason: string | null; until: number | null; actor: Actor };
  'user.unbanned': { actor: Actor };
  'user.erased': { actor: Actor };
  'device_session.created': { sid: string; openedBy: string; proof: string };
  'device_session.continued': { sid: string };
  'device_session.ended': { sid: string } & Caused<DeviceSessionEnd>;
  'live_session.created': { hostId: string };
  'live_session.changed': { rules: string[]; actor: Actor };
  'live_session.ended': Caused<LiveSessionEnd>;
  'member.joined': { memberId: string };
  'member.removed': { memberId: string } & Caused<MemberEnd>;
  'host.changed': { hostId: string | null };
  'file.added': { fileKey: string; memberId: string };
  'file.removed': { fileKey: string; memberId: string };
}

export type EventType = keyof Events;

/** One event, by its type. @public */
export type Event<Type extends EventType = EventType> = {
  [T in Type]: { type: T; at: number; data: Events[T] };
}[Type];
