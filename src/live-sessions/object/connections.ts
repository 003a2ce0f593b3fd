import type { Result } from '../../result.ts';
import type { MemberCredential } from '../contract.ts';
import { presentState } from '../present.ts';
import {
  AFTER_HEADER,
  closeCodes,
  type Frame,
  MEMBER_HEADER,
  parseClientFrame,
  SUBPROTOCOL,
} from '../protocol.ts';
import { secondsLeft } from '../rules.ts';
import type { Backlogs } from './backlogs.ts';
import { warningDue } from './lifetime-rules.ts';
import type { Membership } from './membership.ts';
import type { Rates } from './rates.ts';
import type { RoomParts } from './room-parts.ts';
import type { Timeouts } from './timeouts.ts';
import { type Inside, type Live, type NotInside, PAGE, viewMember, viewSession } from './views.ts';

/** How sockets of one live session are opened, listened to and lost. `inside` checks the membership behind a socket. */
export function openConnections(
  parts: RoomParts,
  backlogs: Backlogs,
  membership: Membership,
  timeouts: Timeouts,
  rates: Rates,
  inside: (credential: MemberCredential, now: number) => Result<Inside, NotInside>,
) {
  const { storage, sockets, channel } = parts;

  /** Warns all members once that the end is near; the session as it is then. */
  function warnIfDue<Standing extends Live>(live: Standing, now: number): Standing {
    if (!warningDue(live.session, live.state, now)) return live;
    const state = { ...live.state, warned: true };
    storage.putState(state);
    channel.broadcast(expiring(live, now));
    return { ...live, state };
  }

  function welcome(socket: WebSocket, live: Inside, missed: boolean, now: number): void {
    const { member, state } = live;
    const view = viewSession(parts, live, { caller: member.subject, cursor: null, limit: PAGE });
    const isListed = storage.listedOf(storage.walletsOf(member.subject)).length > 0;
    const you = { ...viewMember(member, state), isWhiteListed: isListed };
    const data = presentState(view, you, now);
    channel.tell(socket, { eventType: 'SessionState', data: missed ? { ...data, missed } : data });
    if (state.warned) channel.tell(socket, expiring(live, now));
  }

  /** Tells a reconnecting socket what it missed since that event; false where some of it is not kept, or not theirs. */
  function resume(socket: WebSocket, { member }: Inside, after: number, now: number): boolean {
    if (after < storage.sinceOf(member.mid)) return false;
    const events = storage.eventsAfter(after, now);
    if (!events) return false;
    channel.tell(socket, { eventType: 'Resumed', data: { after, seq: storage.lastSeq() } });
    for (const { seq, at, frame } of events) channel.repeat(socket, seq, at, frame);
    return true;
  }

  function turnAway(socket: WebSocket, { subject, sid }: MemberCredential, code: NotInside): void {
    const over = code === 'live_session_not_found';
    channel.dismiss([socket], membership.why(subject, sid, over));
  }

  return {
    warnIfDue,

    /** Answers an upgrade. 429 for a person who opens too many in a minute; what lingers of earlier ones does not count. */
    open(request: Request, now: number): Response {
      const credential: MemberCredential = JSON.parse(request.headers.get(MEMBER_HEADER) ?? 'null');
      const allowed = rates.charge('openings', credential.subject, now);
      if (!allowed.ok) {
        const headers = { 'retry-after': String(Math.ceil((allowed.retryAfterMs ?? 0) / 1000)) };
        return new Response(null, { status: 429, headers });
      }
      const caller = inside(credential, now);
      const { 0: client, 1: server } = new WebSocketPair();
      // What their coming changes is told to the others; they hear the state it leads to.
      const live = caller.ok ? timeouts.connected(caller.value, credential.mid, now) : null;
      sockets.accept(server, credential, now);
      if (caller.ok) {
        const standing: Inside = { ...caller.value, ...live };
        const after = readAfter(request);
        const resumes = after !== null && resume(server, standing, after, now);
        if (!resumes) welcome(server, standing, after !== null, now);
        warnIfDue(standing, now);
      } else turnAway(server, credential, caller.code);
      const subprotocol = request.headers.get('sec-websocket-protocol');
      const headers = new Headers(subprotocol ? { 'sec-websocket-protocol': SUBPROTOCOL } : {});
      return new Response(null, { status: 101, webSocket: client, headers });
    },

    /** A frame from a client: its size and rate are judged, and the membership behind it is checked. */
    hear(socket: WebSocket, message: string | ArrayBuffer, now: number): void {
      const attachment = sockets.attachmentOf(socket);
      if (!attachment || attachment.closing) return;
      sockets.noteHeard(socket, now);
      const said = typeof message === 'string' ? parseClientFrame(message) : null;
      const isRead = said?.type === 'read' && backlogs.acknowledge(socket, said.mark);
      const code = isRead ? null : sockets.judge(socket, message, now);
      if (code !== null) {
        sockets.close(socket, code, code === closeCodes.flood ? 'too many frames' : 'frame too large');
        return;
      }
      const caller = inside(attachment, now);
      if (!caller.ok) turnAway(socket, attachment, caller.code);
    },
  };
}

/** The last event a reconnecting client knows of; null where it is new here. */
function readAfter(request: Request): number | null {
  const text = request.headers.get(AFTER_HEADER);
  return text === null ? null : Number(text);
}

function expiring({ session }: Live, now: number): Frame {
  return { eventType: 'SessionExpiring', data: { expiresIn: secondsLeft(session.expiresAt, now) } };
}
