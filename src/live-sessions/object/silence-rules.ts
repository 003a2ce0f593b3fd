/** Who counts as gone: pure decisions over when something was last heard of. Times in epoch ms. */
import { MINUTE_MS } from '../../times.ts';
import type { Session, State } from './lifetime-rules.ts';

/** A socket that has pinged, and then says nothing for so long, is half-open. */
export const SILENT_MS = 90_000;
/** The alarm looks for silent sockets at most once in so long. */
export const LOOK_EVERY_MS = MINUTE_MS;
/** A guest without a socket keeps the seat for so long after the last one. */
export const GUEST_GONE_MS = MINUTE_MS;
/** A guest who never had a socket keeps the seat for so long after the last call. */
export const GUEST_UNHEARD_MS = 5 * MINUTE_MS;
/** The rule of sessions that were made before there was one. */
const STANDARD_HOST_TIMEOUT_MS = 2 * MINUTE_MS;

/** What a socket let hear of itself; null where it never did. */
export interface Signs {
  /** The last `ping` that the runtime answered. */
  pingedAt: number | null;
  /** The last frame that was no `ping`. */
  heardAt: number | null;
}

/** What is known of one member's presence. */
export interface Presence {
  /** Has an open socket. */
  online: boolean;
  /** The last call, where calls matter, or the loss of the last socket. */
  seenAt: number;
  /** When the last socket was opened or lost; null where this membership never had one. */
  lostAt: number | null;
  /** An upload of theirs is under way. */
  uploading: boolean;
  guest: boolean;
}

export function hostTimeoutOf({ hostTimeoutMs = STANDARD_HOST_TIMEOUT_MS }: Session): number {
  return hostTimeoutMs;
}

/** When a socket is to be closed if nothing is heard of it; null for one that never pinged. */
export function silentAt({ pingedAt, heardAt }: Signs): number | null {
  return pingedAt === null ? null : Math.max(pingedAt, heardAt ?? 0) + SILENT_MS;
}

/** When a member loses the seat if nothing is heard of them; null while something is, or where no rule says so. */
export function seatEndsAt(session: Session, presence: Presence): number | null {
  const { online, uploading, seenAt, lostAt, guest } = presence;
  if (online || uploading) return null;
  const ends: number[] = [];
  if (session.memberTimeoutMs > 0) ends.push(seenAt + session.memberTimeoutMs);
  if (guest) ends.push(lostAt === null ? seenAt + GUEST_UNHEARD_MS : lostAt + GUEST_GONE_MS);
  return ends.length === 0 ? null : Math.min(...ends);
}

/** When the role of a silent host passes to another; null for a host who is heard, or never had a socket. */
export function roleEndsAt(session: Session, { hostSince = 0 }: State, presence: Presence): number | null {
  const { online, uploading, seenAt, lostAt } = presence;
  const spanMs = hostTimeoutOf(session);
  if (spanMs === 0 || online || uploading || lostAt === null) return null;
  return Math.max(seenAt, hostSince) + spanMs;
}

/** Whether a call of this member is to be remembered, because a deadline counts from it. */
export function callMatters(session: Session, isHost: boolean, presence: Presence): boolean {
  if (session.memberTimeoutMs > 0) return true;
  if (presence.online) return false;
  if (presence.guest) return presence.lostAt === null;
  return isHost && presence.lostAt !== null && hostTimeoutOf(session) > 0;
}
