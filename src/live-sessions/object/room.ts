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
import type { Inside, NotInside } from './views.ts';

export type Room = ReturnType<typeof openRoom>;

/** Puts one live session together, each subject of it in a file of its own. */
export function openRoom(ctx: DurableObjectState, env: Env) {
  const sessionId = ctx.id.toString();
  const storage = openStorage(ctx.storage);
  const sockets = openSockets(ctx);
  const backlogs = openBacklogs(sockets);
  const channel = openChannel(sessionId, sockets, backlogs, storage);
  const parts: RoomParts = { sessionId, ctx, storage, sockets, channel, alarm: openAlarm(ctx.storage) };
  const membership = openMembership(parts);
  const files = openFiles(parts, env.FILES);
  const timeouts = openTimeouts(parts, membership);
  const seats = openSeats(parts, membership);
  const ending = openEnding(parts, files);

  /** The session and the membership behind a credential; the call counts as a sign of life. */
  function inside(credential: MemberCredential, now: number): Result<Inside, NotInside> {
    const live = ending.live(now);
    if (!live.ok) return live;
    const member = storage.memberBy(credential);
    if (!member) return refuse('membership_ended');
    const heard = timeouts.hear(live.value, member, now);
    return heard ? ok({ ...live.value, member }) : refuse('membership_ended');
  }

  if (storage.exists()) timeouts.recover(Date.now());
  return {
    parts,
    membership,
    files,
    timeouts,
    ending,
    inside,
    rates: openRates(),
    admission: openAdmission(parts, membership, seats),
    host: openHost(parts, membership, timeouts),
    subjects: openSubjects(parts, membership, seats),
    connections: openConnections(parts, backlogs, membership, timeouts, inside),
  };
}
