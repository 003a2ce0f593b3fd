import type { Context, HonoRequest } from 'hono';
import { verifyMember } from '../access/authenticate.ts';
import { bearer } from '../access/credentials.ts';
import type { Deps } from '../deps.ts';
import { AppError, refusals } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';
import { isAllowedOrigin, shownOrigin } from '../http/origins.ts';
import {
  AFTER_HEADER,
  closeCodes,
  encodeFrame,
  MEMBER_HEADER,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL,
} from './protocol.ts';
import { credentialOf, liveSessionOf } from './service.ts';

/**
 * Hands a verified member over to the live session's WebSocket. A token whose signature holds is upgraded even
 * when it is dead: the object says why in a frame, because a browser cannot see a refused upgrade.
 */
export async function connect(c: Context<AppEnv>, after: number | undefined): Promise<Response> {
  const deps = c.get('deps');
  refuseForeignPage(deps, c.req);
  const { token, subprotocol } = presentedToken(c);
  const member = await verifyMember(deps, c.req, token);
  const headers = new Headers({
    Upgrade: 'websocket',
    [MEMBER_HEADER]: JSON.stringify(credentialOf(member)),
  });
  if (after !== undefined) headers.set(AFTER_HEADER, String(after));
  if (subprotocol) headers.set('sec-websocket-protocol', subprotocol);
  const live = liveSessionOf(deps, member);
  const answer = await live.fetch(new Request('http://live-session/events', { headers }));
  if (answer.status === 429) {
    return tellRefusal(member.live, Number(answer.headers.get('retry-after')), deps.now(), subprotocol);
  }
  const { webSocket, headers: answered } = answer;
  // Headers of an answer from an object cannot be changed, and the middleware around will add some.
  return new Response(null, { status: 101, webSocket, headers: answered });
}

/**
 * Lets a known caller in to say why they are refused: a browser cannot see a refused upgrade. The live session's object
 * holds nothing of such a socket.
 */
function tellRefusal(liveId: string, retryAfter: number, now: number, subprotocol?: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  const code = 'too_many_sockets';
  const data = { code, title: refusals[code][1], retryAfter };
  server.send(encodeFrame(liveId, 0, now, { eventType: 'Refused', data }));
  server.close(closeCodes.tooManyOpenings, code);
  const headers = new Headers(subprotocol ? { 'sec-websocket-protocol': subprotocol } : {});
  return new Response(null, { status: 101, webSocket: client, headers });
}

/** A page cannot set `Authorization` on a socket: whatever brings it is no page, and its `Origin` says nothing. */
function refuseForeignPage({ config, noteCaller }: Deps, req: HonoRequest): void {
  const origin = req.header('origin');
  if (origin === undefined || req.header('authorization') !== undefined) return;
  if (isAllowedOrigin(config, origin)) return;
  noteCaller({ origin: shownOrigin(origin) });
  throw new AppError('origin_not_allowed');
}

/** From `Authorization`, or for browsers from the subprotocols `usher.v1, bearer.<token>`. */
function presentedToken(c: Context): { token: string; subprotocol?: string } {
  const authorization = c.req.header('authorization');
  const offered =
    c.req
      .header('sec-websocket-protocol')
      ?.split(',')
      .map(text => text.trim()) ?? [];
  const carried = offered.find(text => text.startsWith(TOKEN_SUBPROTOCOL))?.slice(TOKEN_SUBPROTOCOL.length);
  if (authorization && carried && bearer(authorization) !== carried)
    throw new AppError('conflicting_credentials');
  if (carried !== undefined && !offered.includes(SUBPROTOCOL)) {
    throw new AppError('invalid_input', {
      detail: `The subprotocol ${SUBPROTOCOL} is missing: offer it beside the one that carries the token`,
    });
  }
  const token = carried ?? bearer(authorization);
  return offered.includes(SUBPROTOCOL) ? { token, subprotocol: SUBPROTOCOL } : { token };
}
