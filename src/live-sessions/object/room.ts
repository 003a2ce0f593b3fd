import { openAlarm } from '../../platform/alarm.ts';
import { ok, type Result, refuse } from '../../result.ts';
import type { MemberCredential } from '../contract.ts';
import { openAdmission } from './admission.ts';
import { openBacklogs } from './backlogs.ts';
import { openChannel } from './channel.ts';
import { openConnections } from './connections.ts';
import { openEnding } from './ending.ts';
import { openFiles } from './files.ts';
import { openHost } from './host.ts';
import { openMembership } from './membership.ts';
import { openRates } from './rates.ts';
import type { RoomParts } from './room-parts.ts';
import { openSeats } from './seats.ts';
import { openSockets } from './sockets.ts';
import { openStorage } from './storage.ts';
import { openSubjects } from './subjects.ts';
import { openTimeouts } from './timeouts.ts';
import type { Inside, Live, NotInside } from './views.ts';
import { openWatch } from './watch.ts';

export type Room = ReturnType<typeof openRoom>;

/** Puts one live session together, each subject of it in a file of its own. */
export function openRoom(ctx: DurableObjectState, env: Env) {
  const sessionId = ctx.id.toString();
  const storage = openStorage(ctx.storage);
  const sockets = openSockets(ctx);
  const backlogs = openBacklogs(sockets);
  const channel = openChannel(sessionId, sockets, backlogs, storage);
  const watch = openWatch(sockets, storage);
  const alarm = openAlarm(ctx.storage);
  const parts: RoomParts = { sessionId, ctx, storage, sockets, channel, watch, alarm };
  const membership = openMembership(parts);
  const files = openFiles(parts, env.FILES);
  const timeouts = openTimeouts(parts, membership);
  const rates = openRates();
  const seats = openSeats(parts, membership);
  const ending = openEnding(parts, files);

  /** The session, once everything that was due by now has happened. `caller`: the subject who calls, if one does. */
  function live(now: number, caller: string | null = null): Result<Live, 'live_session_not_found'> {
    const standing = ending.live(now);
    return standing.ok ? ok(timeouts.settle(standing.value, now, caller)) : standing;
  }

  /** The session and the membership behind a credential; the call counts as a sign of life. */
  function inside(credential: MemberCredential, now: number): Result<Inside, NotInside> {
    const standing = live(now, credential.subject);
    if (!standing.ok) return standing;
    const member = storage.memberBy(credential);
    if (!member) return refuse('membership_ended');
    timeouts.hear(standing.value, member, now);
    return ok({ ...standing.value, member });
  }

  /** The same, and a host who was away has the role back. */
  function acting(credential: MemberCredential, now: number): Result<Inside, NotInside> {
    const caller = inside(credential, now);
    if (!caller.ok) return caller;
    const { member } = caller.value;
    return ok({ ...timeouts.takeRoleBack(caller.value, member, now), member });
  }

  return {
    parts,
    membership,
    files,
    timeouts,
    ending,
    live,
    inside,
    acting,
    rates,
    admission: openAdmission(parts, membership, seats),
    host: openHost(parts, membership, timeouts),
    subjects: openSubjects(parts, membership, seats),
    connections: openConnections(parts, backlogs, membership, timeouts, rates, acting),
  };
}
