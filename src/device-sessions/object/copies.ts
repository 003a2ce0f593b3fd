import type { Actor } from '../../events/types.ts';
import type { UserRecord } from '../../users/contract.ts';
import { type Over, raisesEpoch, walletsDiffer } from '../copy-rules.ts';
import type { DeviceSessionsOutbox, Endings } from './endings.ts';
import type { Notes } from './notes.ts';
import type { DeviceSessionsStorage } from './storage.ts';

interface CopiesParts {
  storage: DeviceSessionsStorage;
  notes: Notes;
  outbox: DeviceSessionsOutbox;
  endings: Endings;
}

export type Copies = ReturnType<typeof makeCopies>;

/** How a new copy of the user's record is taken. */
export function makeCopies({ storage, notes, outbox, endings }: CopiesParts) {
  return {
    /**
     * Within a transaction: stores the record, ends what it makes worthless, and tells the live sessions that are left
     * which wallets the user holds now.
     */
    put(record: UserRecord, ending: readonly Over[], by: Actor, now: number): void {
      const held = storage.record();
      storage.putRecord(record);
      if (raisesEpoch(held, record)) storage.raiseEpoch();
      endings.put(ending, by, now);
      if (!held || !walletsDiffer(held, record)) return;
      const { version, wallets, kin } = record;
      for (const id of notes.all())
        outbox.put({ kind: 'live_session', id }, 'wallets', { kind: 'wallets', version, wallets, kin }, now);
    },
  };
}
