import { BY_SYSTEM } from '../../events/types.ts';
import { addressOfKey } from '../../users/rules.ts';
import type { Visitor } from '../contract.ts';
import type { Member } from './member-storage.ts';
import type { Membership } from './membership.ts';
import type { RoomParts } from './room-parts.ts';
import type { Live } from './views.ts';

export type Seats = ReturnType<typeof openSeats>;

/** The wallets of a person by one version of their record. */
export type HeldWallets = Pick<Visitor, 'wallets' | 'version'>;

/** One wallet, one seat: which wallets people hold, and who stays in when a wallet goes to another person. */
export function openSeats({ ctx, storage }: RoomParts, membership: Membership) {
  /**
   * Writes the wallets a person holds from now on. A member whom the allow-list let in and lets in no more leaves; one
   * whom it never let in (the host who made it, a member from before it) stays.
   */
  function hold(live: Live, subject: string, { wallets, version }: HeldWallets): Live {
    const wasListed = storage.listedOf(storage.walletsOf(subject)).length > 0;
    const member = storage.memberOf(subject);
    ctx.storage.transactionSync(() => {
      storage.putWallets(subject, wallets, version);
      storage.barWallets(subject, wallets);
      const isShown = member?.address != null && wallets.some(key => addressOfKey(key) === member.address);
      if (member && !isShown) storage.putAddress(member.mid, null);
    });
    const leaves = live.session.allowOnlyListed && wasListed && storage.listedOf(wallets).length === 0;
    return member && leaves ? membership.remove(live, member, 'wallet_removed', BY_SYSTEM) : live;
  }

  return {
    /**
     * Takes news of somebody; news of a version that is known changes nothing. Of somebody who never was in, the version
     * alone is kept: a join of theirs with an older record may be under way.
     */
    learn(live: Live, subject: string, held: HeldWallets): Live {
      const known = storage.versionOf(subject);
      if (known === null) storage.putNews(subject, held.version, Date.now());
      return known === null || held.version <= known ? live : hold(live, subject, held);
    },

    /** Members who hold, by what is known of them, a listed wallet that this person has now. */
    displacedBy({ subject, wallets }: Visitor): Member[] {
      return storage.othersHolding(storage.listedOf(wallets), subject);
    },

    /** Takes this person's wallets from those members: their seat goes to the present owner. */
    displace(live: Live, { wallets }: Visitor, displaced: readonly Member[]): Live {
      return displaced.reduce((standing, { subject }) => {
        const left = storage.walletsOf(subject).filter(wallet => !wallets.includes(wallet));
        return hold(standing, subject, { wallets: left, version: storage.versionOf(subject) ?? 0 });
      }, live);
    },
  };
}
