import { iso } from '../times.ts';
/** What travels over the WebSocket of a live session: `{ sessionId, eventType, seq, at, data }`, one a frame. */

export type EventType =
  | 'SessionState'
  | 'UserAdded'
  | 'UserRemoved'
  | 'MembersChanged'
  | 'Kicked'
  | 'SignedOut'
  | 'HostChanged'
  | 'RulesChanged'
  | 'FileAdded'
  | 'FileRemoved'
  | 'SessionExpiring'
  | 'SessionExpired'
  | 'SessionDestroyed'
  | 'SessionEnded';

/** Why a member is gone. */
export type RemovalReason = 'left' | 'kicked' | 'signed_out' | 'timeout';

/** Private close codes (RFC 6455 §7.4.2): a client must not reconnect on those from 4400 on. */
export const closeCodes = {
  flood: 1008,
  tooBig: 1009,
  credentialEnded: 4401,
  kicked: 4403,
  replaced: 4409,
  sessionEnded: 4410,
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

/** Which subprotocol the server answers, and what begins the one that carries a browser's token. */
export const SUBPROTOCOL = 'usher.v1';
export const TOKEN_SUBPROTOCOL = 'bearer.';

export const SOCKETS_PER_MEMBER = 5;
/** Open ones and those told to close which are still there. */
export const LINGERING_PER_PERSON = 20;
export const LONGEST_FRAME = 4_096;
export const FRAMES_PER_WINDOW = 20;
export const FRAME_WINDOW_MS = 10_000;

/** The header by which the Worker tells the object who connects; a client's header of this name never arrives. */
export const MEMBER_HEADER = 'x-usher-member';

export interface Frame {
  eventType: EventType;
  data: unknown;
}

export function encodeFrame(sessionId: string, seq: number, now: number, { eventType, data }: Frame): string {
  return JSON.stringify({ sessionId, eventType, seq, at: iso(now), data });
}
