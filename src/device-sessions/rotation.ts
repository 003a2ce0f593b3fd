/** Refresh token rotation (RFC 9700 §4.14.2): decisions over facts, `now` in epoch ms. */

/** A lost response or a second tab may present the token just replaced; later, or older, it was stolen. */
export const GRACE_MS = 10_000;

/** What the current pair of tokens is made of: the same stamp signs to the same strings. */
export interface TokenStamp {
  accessJti: string;
  refreshJti: string;
  /** Which key of the ring signed. */
  kid: string;
  issuedAt: number;
}

/** The pair of tokens in force, and the refresh token it replaced. */
export interface Pair {
  current: TokenStamp;
  previousJti: string | null;
}

/** One sign-in and the tokens that descend from it. Times in epoch ms. */
export interface Lineage extends Pair {
  /** The `lin` of its tokens. */
  id: string;
  signedInAt: number;
  absoluteEndAt: number;
  /** Moves with every refresh; null: no idle end. */
  idleEndAt: number | null;
}

export type Rotation<P extends Pair = Lineage> =
  | { kind: 'rotate'; lineage: P }
  /** The current pair again, without rotating. */
  | { kind: 'repeat' }
  /** Neither the token in force nor its immediate parent within the grace: somebody else has a copy. */
  | { kind: 'reused' };

/** What becomes of a lineage when a refresh token of it is presented; `next` is the pair to take over. */
export function rotate<P extends Pair>(
  lineage: P,
  presentedJti: string,
  next: TokenStamp,
  now: number,
): Rotation<P> {
  const { current, previousJti } = lineage;
  if (presentedJti === current.refreshJti) {
    return { kind: 'rotate', lineage: { ...lineage, current: next, previousJti: presentedJti } };
  }
  if (presentedJti === previousJti && now - current.issuedAt <= GRACE_MS) return { kind: 'repeat' };
  return { kind: 'reused' };
}
