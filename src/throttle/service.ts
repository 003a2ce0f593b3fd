import type { Deps } from '../deps.ts';
import { addressSubject, usernameSubject } from './rules.ts';

/** One attempt: refused, or counted as a failure at both objects until it is refunded. Times in epoch ms. */
export type Charge =
  | { allowed: false }
  | { allowed: true; username: string; network: string; usernameAt: number; addressAt: number };

/**
 * Charges an attempt before its hash runs, at the username and at the network at once. `username` is what the attempt
 * names, whether such a user exists or not; `network` comes from `networkOf`. A refused attempt counts as no failure: what
 * one of the two has charged is given back after the answer.
 */
export async function chargeAttempt(
  deps: Pick<Deps, 'throttle' | 'defer'>,
  username: string,
  network: string,
): Promise<Charge> {
  const [byUsername, byAddress] = await Promise.all([
    deps.throttle(usernameSubject(username)).chargeUsername(network),
    deps.throttle(addressSubject(network)).chargeAddress(),
  ]);
  if (byUsername.ok && byAddress.ok) {
    return { allowed: true, username, network, usernameAt: byUsername.value, addressAt: byAddress.value };
  }
  if (byUsername.ok) {
    deps.defer(async ({ throttle }) =>
      throttle(usernameSubject(username)).refundUsername(network, byUsername.value),
    );
  }
  if (byAddress.ok) {
    deps.defer(async ({ throttle }) => throttle(addressSubject(network)).refundAddress(byAddress.value));
  }
  return { allowed: false };
}

/** After a success: gives this one charge back, and remembers the address as one that succeeded. */
export async function refundAttempt(deps: Pick<Deps, 'throttle'>, charge: Charge): Promise<void> {
  if (!charge.allowed) return;
  const { username, network, usernameAt, addressAt } = charge;
  const object = deps.throttle(usernameSubject(username));
  await Promise.all([
    object.refundUsername(network, usernameAt),
    object.noteSuccess(network),
    deps.throttle(addressSubject(network)).refundAddress(addressAt),
  ]);
}

/** Remembers an address as one that succeeded without an attempt: a registration is the first success there. */
export async function noteSuccess(
  deps: Pick<Deps, 'throttle'>,
  username: string,
  network: string,
): Promise<void> {
  await deps.throttle(usernameSubject(username)).noteSuccess(network);
}

/** Forgets a username that is erased, and where its owner signed in. The next owner begins without failures. */
export async function forgetUsername(deps: Pick<Deps, 'throttle'>, username: string): Promise<void> {
  await deps.throttle(usernameSubject(username)).forget();
}
