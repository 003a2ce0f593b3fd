import type { Deadlines } from '../../platform/alarm.ts';
import type { RoomParts } from './room-parts.ts';
import { GUEST_GONE_MS, GUEST_UNHEARD_MS, roleEndsAt } from './silence-rules.ts';
import type { Live } from './views.ts';

/** When something is to be done because somebody is gone, or may be (epoch ms). */
export function presenceDeadlines({ storage, watch }: RoomParts, live: Live): Deadlines {
  const [lostAt, seenAt] = [storage.guestLeastLostAt(), storage.guestLeastSeenAt()];
  return {
    guestGone: lostAt === null ? null : lostAt + GUEST_GONE_MS,
    guestUnheard: seenAt === null ? null : seenAt + GUEST_UNHEARD_MS,
    role: roleDeadline(storage, live),
    look: watch.nextLookAt(live),
  };
}

/** Only where there is somebody whom the role can pass to. An upload under way is looked at when it is due. */
function roleDeadline(storage: RoomParts['storage'], { session, state }: Live): number | null {
  const host = state.host !== null && storage.onlineSuccessorOf(state.host) && storage.memberOf(state.host);
  return host ? roleEndsAt(session, state, { ...storage.presenceOf(host.mid), uploading: false }) : null;
}
