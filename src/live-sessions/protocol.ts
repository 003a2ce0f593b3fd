import { iso } from '../times.ts';

/**
 * What travels over the WebSocket of a live session, in both directions. A client may import this file: it holds types and
 * parsing alone. From the server, one JSON object a frame: `{ sessionId, eventType, seq, at, data }`.
 */

export type Role = 'Host' | 'Client';

/** One member as others see them. */
export interface MemberView {
  /** The public `userId`, or `guest:<session>`. */
  id: string;
  role: Role;
  name: string;
  address: string | null;
}

/** Why a member is gone. */
export type RemovalReason = 'left' | 'kicked' | 'signed_out' | 'timeout' | 'wallet_removed' | 'replaced';

/** The rules in force; `expiry` in unix seconds. */
export interface RulesData {
  expiry: number;
  maxFiles: number;
  maxUsers: number;
  maxTotalMegaBytes: number;
  passwordProtected: boolean;
  allowOnlyWhitelistedAddresses: boolean;
  allowGuests: boolean;
  /** 0: members may be silent. */
  memberTimeoutSeconds: number;
  hostTimeoutSeconds: number;
  /** For the host, the first hundred addresses; null for others and in `RulesChanged`. */
  whiteListAddresses: string[] | null;
  whiteListLength: number;
  fileCount: number;
}

/** The session as `GET /session/current` shows it; `expiresIn` in seconds. */
export interface StateData extends RulesData {
  id: string;
  creatorId: string;
  hostId: string | null;
  expiresIn: number;
  userCount: number;
  users: MemberView[];
}

/** A file of the session; `createdAt` in ISO 8601. */
export interface FileData {
  fileKey: string;
  fileName: string;
  contentType: string;
  sizeInBytes: number;
  creatorId: string;
  createdAt: string;
}

/** Every event type, and the data that comes with it. */
export interface FrameData {
  /**
   * The first frame of a connection. `missed`: the client asked to resume, and some of what happened since is not kept.
   */
  SessionState: StateData & { you: MemberView & { isWhiteListed: boolean }; missed?: boolean };
  /** Instead of `SessionState`, where a client resumed after an event: the events since then follow. */
  Resumed: { after: number; seq: number };
  /** To be sent back as `{ "type": "read", "mark" }`: shows that the client reads. */
  Mark: { mark: number };
  UserAdded: MemberView;
  /** A member goes by another name. */
  UserChanged: MemberView;
  UserRemoved: MemberView & { reason: RemovalReason };
  /** Instead of the two above while members come and go faster than 20 a second. */
  MembersChanged: { userCount: number };
  /** To the one who was kicked, before the close. */
  Kicked: { by: string; byName: string | null; reason: string | null } | null;
  /** To the one whose credential is dead, before the close. */
  SignedOut: { reason: RemovalReason };
  HostChanged: { hostId: string | null };
  RulesChanged: RulesData;
  FileAdded: FileData;
  FileRemoved: FileData;
  /** Instead of the two above while files come and go faster than 20 a second. */
  FilesChanged: { fileCount: number };
  /** Seconds until the end. */
  SessionExpiring: { expiresIn: number };
  SessionExpired: Record<never, never>;
  SessionDestroyed: Record<never, never>;
  /** To somebody who connects after the end, before the close. */
  SessionEnded: Record<never, never>;
  /** To a socket that is refused, before the close: the code of the refusal, and after how many seconds to try again. */
  Refused: { code: string; title: string; retryAfter: number };
}

export type EventType = keyof FrameData;

/** What happened, without the envelope. */
export type Frame<Type extends EventType = EventType> = {
  [T in Type]: { eventType: T; data: FrameData[T] };
}[Type];

/**
 * One frame from the server, `at` in ISO 8601. `seq` numbers what happened in the session. A frame to one socket alone
 * carries the number of the latest event.
 */
export type ServerFrame<Type extends EventType = EventType> = Frame<Type> & {
  sessionId: string;
  seq: number;
  at: string;
};

/** What a client may say. `ping` is text, answered by the text `pong`; `read` sends a mark back. */
export type ClientFrame = { type: 'ping' } | { type: 'read'; mark: number };

/** The text that asks for a sign of life, and its answer. */
export const PING = 'ping';
export const PONG = 'pong';

/**
 * Close codes (RFC 6455 §7.4). A client reconnects after 4408, which says that it did not read or did not answer, and
 * after 4429 once the time has passed that the frame names. It must not reconnect after the others from 4400 on.
 */
export const closeCodes = {
  flood: 1008,
  tooBig: 1009,
  credentialEnded: 4401,
  kicked: 4403,
  behind: 4408,
  replaced: 4409,
  sessionEnded: 4410,
  tooManyOpenings: 4429,
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

/** Which subprotocol the server answers, and what begins the one that carries a browser's token. */
export const SUBPROTOCOL = 'usher.v1';
export const TOKEN_SUBPROTOCOL = 'bearer.';

export const SOCKETS_PER_MEMBER = 5;
/** How many sockets a person may open in a minute, in one live session. */
export const OPENINGS_A_MINUTE = 60;
export const LONGEST_FRAME = 4_096;
export const FRAMES_PER_WINDOW = 20;
export const FRAME_WINDOW_MS = 10_000;

/** The header by which the Worker tells the object who connects; a client's header of this name never arrives. */
export const MEMBER_HEADER = 'x-usher-member';
/** The header that tells the last event a reconnecting client knows of. */
export const AFTER_HEADER = 'x-usher-after';

/** A frame as it is sent. `now` in epoch ms. */
export function encodeFrame(sessionId: string, seq: number, now: number, { eventType, data }: Frame): string {
  return JSON.stringify({ sessionId, eventType, seq, at: iso(now), data });
}

/** A frame from the server, as a client reads it; null for `pong` and for what is no frame. Event types may be added. @public */
export function parseServerFrame(text: string): ServerFrame | null {
  const frame = parseObject(text);
  return typeof frame?.eventType === 'string' && typeof frame.seq === 'number'
    ? (frame as unknown as ServerFrame)
    : null;
}

/** A frame from a client, as the server reads it; null for what is ignored. */
export function parseClientFrame(text: string): ClientFrame | null {
  if (text === PING) return { type: 'ping' };
  if (text.length > LONGEST_FRAME) return null;
  const frame = parseObject(text);
  return frame?.type === 'read' && typeof frame.mark === 'number' ? { type: 'read', mark: frame.mark } : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
