import type { Presence, UserPresenceView } from './contract.ts';

/** One user's presence. `setTimeMs` is epoch ms; 0 where none was set, because clients expect a number. */
export function presentPresence({ userId, presence, setAt }: UserPresenceView) {
  return {
    userId: { identifier: userId },
    presence: { ...(presence && { presence: presentPart(presence) }), setTimeMs: setAt ?? 0 },
  };
}

interface PresentedPart {
  type: string;
  /** In seconds; 0: static. */
  timeToLive: number;
  expiresTo?: PresentedPart;
}

/** A part and those after it. The last one has no `expiresTo`. */
function presentPart({ type, timeToLive, expiresTo }: Presence): PresentedPart {
  return { type, timeToLive, ...(expiresTo && { expiresTo: presentPart(expiresTo) }) };
}
