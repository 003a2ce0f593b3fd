import type { DeviceSession, PresentedSession, Which } from './contract.ts';
import { authenticate, endOf } from './rules.ts';

/** What an end does, and what it found already gone. */
export interface Ending {
  ending: string[];
  /** Those that were named and do not stand. */
  missing: string[];
}

/** The device session on whose word an end asks, where it ends others: it must stand. */
export function speakerOf(which: Which): PresentedSession | null {
  return which.kind === 'presented' ? null : (which.presented ?? null);
}

/**
 * Whether every sign-in of before is meant, also one that has not come yet: an authToken that was issued and not used. A
 * user who ends all others means that one as well.
 */
export const endsAll = ({ kind }: Which): boolean => kind === 'all' || kind === 'others';

/** Which of a user's device sessions end. `sessions`: all of them, also those whose end the alarm has not seen to yet. */
export function chooseEnding(which: Which, sessions: readonly DeviceSession[], now: number): Ending {
  const ids = sessions.map(session => session.id);
  switch (which.kind) {
    case 'all':
      return { ending: ids, missing: [] };
    case 'others':
      return { ending: ids.filter(id => id !== which.presented.sid), missing: [] };
    case 'presented': {
      const { sid } = which.presented;
      const session = sessions.find(each => each.id === sid) ?? null;
      return authenticate(session, which.presented, now).ok
        ? { ending: [sid], missing: [] }
        : { ending: [], missing: [sid] };
    }
    case 'some': {
      const standing = sessions.filter(session => now < endOf(session)).map(session => session.id);
      const named = [...new Set(which.ids)];
      return {
        ending: named.filter(id => standing.includes(id)),
        missing: named.filter(id => !standing.includes(id)),
      };
    }
  }
}
