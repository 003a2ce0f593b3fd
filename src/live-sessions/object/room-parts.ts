import type { Alarm } from '../../platform/alarm.ts';
import type { Channel } from './channel.ts';
import type { Sockets } from './sockets.ts';
import type { LiveSessionStorage } from './storage.ts';
import type { Watch } from './watch.ts';

/** What the subjects of a live session (membership, files, timeouts, the host) work with. */
export interface RoomParts {
  sessionId: string;
  ctx: DurableObjectState;
  storage: LiveSessionStorage;
  sockets: Sockets;
  channel: Channel;
  watch: Watch;
  alarm: Alarm;
}
