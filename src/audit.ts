import { keyedHash, type MasterSecrets } from './crypto/derive.ts';
import type { Actor, Events, EventType } from './events/types.ts';
import { logEvent } from './log.ts';

/** What an event says that a line tells as well. A line names people by number, and repeats nothing that they wrote. */
type Told<Type extends EventType> = Omit<
  Events[Type],
  'actor' | 'reason' | 'hostId' | 'memberId' | 'members' | 'by'
>;

interface OfUser {
  uid: number;
}
interface OfSession extends OfUser {
  sid: string;
}
interface OfLiveSession {
  liveId: string;
}
/** The user or guest that a host acts on, by the `userId` the host named: the line holds its keyed hash. */
interface OnMember extends OfLiveSession {
  target: string;
}

/** The lines about security in the log: the name of each, and its facts. Never a secret among them. */
export interface AuditEvents {
  // What `events/types.ts` knows as well.
  registered: OfUser & Told<'user.created'>;
  /** `uid` is null where the ban had outlived its user; `target` is then the `userId` that was named. */
  ban_lifted: { uid: number | null; target?: string } & Told<'user.unbanned'>;
  banned: OfUser & Told<'user.banned'>;
  erased: OfUser & Told<'user.erased'>;
  signed_in: OfUser & Told<'device_session.created'>;
  /** One device session, `all` of the user's or all the `others`. */
  signed_out: OfUser & Partial<OfSession> & { all?: true; others?: true; by?: Actor['kind'] };
  live_session_created: OfSession & OfLiveSession;
  rules_changed: OfLiveSession & Partial<Told<'live_session.changed'>>;
  live_session_deleted: OfLiveSession;
  joined: OfLiveSession & { mid: string };
  kicked: OnMember;
  host_handed_over: OnMember;

  // The log's own.
  sign_in_failed: Partial<OfUser> & { against: 'password' | 'accountKey' };
  refreshed: OfSession;
  /** A refresh token came a second time: somebody stole it, and the device session has ended. */
  refresh_reused: OfSession;
  auth_token_issued: OfUser;
  token_issued: OfSession & { extended?: true };
  /** On the word of the token's owner, of a secret key, or of the one who holds the token. */
  token_revoked: Partial<OfUser> & { sid: string; kind: string };
  /** `sid` is the device session that stays. */
  password_changed: OfUser & { sid: string | null };
  password_reset: OfUser & { sid: string | null };
  password_set: OfUser;
  account_key_set: OfSession;
  account_key_removed: OfSession;
  wallet_attached: OfUser & { keyId?: string; sid?: string };
  wallet_removed: OfUser & { keyId?: string; sid?: string };
  roles_changed: OfUser & { roles: string };
  bar_lifted: OnMember;
  key_used: { keyId: string; method: string; route: string };
  key_created: { keyId: string; kind: string };
  key_revoked: { keyId: string };
  refused: { code: string; method: string; route: string; origin?: string };
}

/** Writes one line about an event. */
export type Audit = <Name extends keyof AuditEvents>(event: Name, facts: AuditEvents[Name]) => void;

/** Who calls, as far as it is known: a user, a guest, a secret key, or nothing but a name that was tried. */
export interface CallerFacts {
  uid?: number;
  sid?: string;
  /** `guest:<session>`. */
  guest?: string;
  /** Of a secret key. */
  keyId?: string;
  /** Of the page that calls, where it is refused for that. */
  origin?: string;
  /** A username, `userId` or wallet somebody named before it was proven to be theirs: the line holds its keyed hash. */
  tried?: string;
}

/** What every line of one request has in common. */
export interface Setting {
  requestId: string;
  /** The network the request comes from: an IPv4 address, or the /64 of an IPv6 one. Null: it came from none. */
  network: () => string | null;
  caller: CallerFacts;
  config: { masterSecrets: MasterSecrets };
}

/**
 * The writer of a request's lines. Each says what happened, who called and from which network. Names and networks are
 * keyed hashes: equal for equal ones, while the newest master secret stays the same. Letter case does not matter.
 */
export function makeAudit({ requestId, network, caller, config }: Setting): Audit {
  const hashed = (kind: string, text: string) => keyedHash(config.masterSecrets, 'log', `${kind}|${text}`);
  const nameHash = (name: string) => hashed('name', name.normalize('NFC').toLowerCase());
  return (event, facts) => {
    const from = network();
    const line: Record<string, unknown> = {
      requestId,
      network: from === null ? null : hashed('network', from),
      ...caller,
      ...facts,
    };
    for (const member of ['tried', 'target']) {
      if (typeof line[member] === 'string') line[member] = nameHash(line[member]);
    }
    logEvent(event, line);
  };
}
