import type { Context, HonoRequest } from 'hono';
import { verifyMember } from '../access/authenticate.ts';
import { bearer } from '../access/credentials.ts';
import type { Deps } from '../deps.ts';
import { AppError, waitHeaders } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';
import { isAllowedOrigin, shownOrigin } from '../http/origins.ts';
import { AFTER_HEADER, MEMBER_HEADER, SUBPROTOCOL, TOKEN_SUBPROTOCOL } from './protocol.ts';
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
  if (answer.status === 429)
    throw new AppError('too_many_sockets', { headers: waitHeaders('sockets', 20, 10) });
  const { webSocket, headers: answered } = answer;
  // Headers of an answer from an object cannot be changed, and the middleware around will add some.
  return new Response(null, { status: 101, webSocket, headers: answered });
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
  const token = carried ?? bearer(authorization);
  return offered.includes(SUBPROTOCOL) ? { token, subprotocol: SUBPROTOCOL } : { token };
}
