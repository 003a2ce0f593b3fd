import type { MemberCredential } from '../contract.ts';
import {
  type CloseCode,
  closeCodes,
  FRAME_WINDOW_MS,
  FRAMES_PER_WINDOW,
  LONGEST_FRAME,
  SOCKETS_PER_MEMBER,
} from '../protocol.ts';
import type { Backlog } from './backlog.ts';
import type { Signs } from './silence-rules.ts';

/** Which member a socket was opened for; kept through hibernation. */
export interface Attachment extends MemberCredential {
  openedAt: number;
  /** What was sent and is not known to be read, rounded up. */
  backlog?: Backlog;
  /** When the last frame came that was no `ping`. */
  heardAt?: number;
  /** Told to close: a rude client may go on sending, and is neither heard nor served. */
  closing?: true;
}

export type Sockets = ReturnType<typeof openSockets>;

const OPEN = 1;
const memberTag = (mid: string) => `member:${mid}`;
const subjectTag = (subject: string) => `subject:${subject}`;
const deviceTag = (sid: string) => `device:${sid}`;

/** The sockets of one live session, by the hibernation API. */
export function openSockets(ctx: DurableObjectState) {
  const flood = new WeakMap<WebSocket, { windowAt: number; frames: number }>();

  const attachmentOf = (socket: WebSocket): Attachment | null => socket.deserializeAttachment();
  const open = (tag?: string): WebSocket[] =>
    ctx
      .getWebSockets(tag)
      .filter(socket => socket.readyState === OPEN && attachmentOf(socket)?.closing !== true);

  function send(socket: WebSocket, text: string): void {
    try {
      socket.send(text);
    } catch {
      // The other end vanished between the check and the frame: its close event tells the rest.
    }
  }
  function close(socket: WebSocket, code: CloseCode, reason: string): void {
    const attachment = attachmentOf(socket);
    if (attachment) socket.serializeAttachment({ ...attachment, closing: true });
    try {
      socket.close(code, reason);
    } catch {
      // Closed already.
    }
  }

  return {
    attachmentOf,
    send,
    close,
    all: () => open(),
    noteHeard(socket: WebSocket, now: number): void {
      const attachment = attachmentOf(socket);
      if (attachment) socket.serializeAttachment({ ...attachment, heardAt: now } satisfies Attachment);
    },
    signsOf: (socket: WebSocket): Signs => ({
      pingedAt: ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null,
      heardAt: attachmentOf(socket)?.heardAt ?? null,
    }),
    /** The memberships that have an open socket. */
    mids: () => new Set(open().flatMap(socket => attachmentOf(socket)?.mid ?? [])),
    ofMember: (mid: string) => open(memberTag(mid)),
    ofDevice: (sid: string) => open(deviceTag(sid)),

    /** Takes in a socket; beyond five of one membership the oldest gives way. */
    accept(socket: WebSocket, credential: MemberCredential, now: number): void {
      const others = open(memberTag(credential.mid))
        .map(other => ({ other, openedAt: attachmentOf(other)?.openedAt ?? 0 }))
        .sort((a, b) => a.openedAt - b.openedAt);
      for (const { other } of others.slice(0, Math.max(0, others.length + 1 - SOCKETS_PER_MEMBER))) {
        close(other, closeCodes.replaced, 'replaced by a newer connection');
      }
      ctx.acceptWebSocket(socket, [
        memberTag(credential.mid),
        deviceTag(credential.sid),
        subjectTag(credential.subject),
      ]);
      socket.serializeAttachment({ ...credential, openedAt: now } satisfies Attachment);
    },

    /**
     * RFC 6455 §5.5.1: a close frame is answered by one. 1005 says that the client's frame had no code, so an answer is
     * owed, and a normal closure (1000) answers it. 1006 and 1015 say that no frame came: there is nothing to answer.
     */
    answerClose(socket: WebSocket, code: number, reason: string): void {
      if (code === 1006 || code === 1015) return;
      try {
        socket.close(code === 1005 ? 1000 : code, reason);
      } catch {
        // Closed already.
      }
    },

    /** The close code a frame from a client earns, or null while it keeps to size and rate. */
    judge(socket: WebSocket, message: string | ArrayBuffer, now: number): 1008 | 1009 | null {
      const size =
        typeof message === 'string' ? new TextEncoder().encode(message).length : message.byteLength;
      if (size > LONGEST_FRAME) return closeCodes.tooBig;
      const known = flood.get(socket);
      const window = known && now - known.windowAt < FRAME_WINDOW_MS ? known : { windowAt: now, frames: 0 };
      window.frames += 1;
      flood.set(socket, window);
      return window.frames > FRAMES_PER_WINDOW ? closeCodes.flood : null;
    },
  };
}
