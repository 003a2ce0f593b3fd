import type { LiveSessionView, MemberPage, RulesView } from '../contract.ts';
import type { MemberView } from '../protocol.ts';
import type { Session, State } from './lifetime-rules.ts';
import type { Member } from './member-storage.ts';
import { hostTimeoutOf } from './silence-rules.ts';
import type { LiveSessionStorage } from './storage.ts';

/** How many members a page shows at most. */
export const PAGE = 100;

/** How many addresses of the allow-list an answer shows; all of them are paged. */
const LISTED = 100;

/** A live session that stands at this instant. */
export interface Live {
  session: Session;
  state: State;
}

/** A live session that stands, and the member of it who calls. */
export type Inside = Live & { member: Member };

/** Why a caller is no member: the session is over, or the membership is. */
export type NotInside = 'live_session_not_found' | 'membership_ended';

export function viewMember({ subject, id, name, address }: Member, { host }: State): MemberView {
  return { id, role: subject === host ? 'Host' : 'Client', name, address };
}

/** The rules in force, as this one sees them: the host sees the allow-list, its first hundred. Null: what all may see. */
export function viewRules(storage: LiveSessionStorage, live: Live, caller: string | null): RulesView {
  const { session, state } = live;
  const isHost = caller !== null && caller === state.host;
  return {
    expiresAt: session.expiresAt,
    maxFiles: session.maxFiles,
    maxUsers: session.capacity,
    maxTotalMegaBytes: session.maxTotalMegaBytes,
    passwordProtected: session.password !== null,
    allowOnlyListed: session.allowOnlyListed,
    allowGuests: session.allowGuests,
    memberTimeoutMs: session.memberTimeoutMs,
    hostTimeoutMs: hostTimeoutOf(session),
    allowList: isHost ? storage.allowList('', LISTED) : null,
    allowListLength: storage.allowListLength(),
    fileCount: storage.fileCount(),
  };
}

/**
 * The session as one of its members sees it, a page of members at a time. The first page has the host and the caller in
 * front; the pages after it leave these two out, even where another has become host since.
 */
export function viewSession(
  { sessionId, storage }: { sessionId: string; storage: LiveSessionStorage },
  live: Live,
  { caller, cursor, limit }: MemberPage,
): LiveSessionView {
  const { session, state } = live;
  const front = cursor ? [] : [state.host, caller].flatMap(subject => seated(storage, subject));
  const shown = front.filter((member, index) => index === 0 || member.mid !== front[0]?.mid).slice(0, limit);
  const [after, without] = cursor ?? [0, shown.map(member => member.mid)];
  const rest = storage.members([after, without], limit - shown.length + 1);
  const page = rest.slice(0, limit - shown.length);
  return {
    ...viewRules(storage, live, caller),
    id: sessionId,
    creatorId: session.creatorId,
    hostId: state.hostId,
    userCount: state.userCount,
    users: [...shown, ...page].map(member => viewMember(member, state)),
    next: rest.length > page.length ? [page.at(-1)?.seat ?? after, without] : null,
  };
}

function seated(storage: LiveSessionStorage, subject: string | null): Member[] {
  const member = subject === null ? null : storage.memberOf(subject);
  return member ? [member] : [];
}
