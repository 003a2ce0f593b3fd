import type { Deps } from '../deps.ts';
import { addressSubject, usernameSubject } from './rules.ts';

/**
 * One attempt: refused, or counted as a failure at both objects until it is judged. `busy`: it was neither right nor
 * wrong, because too many others of the same network are being judged. Times in epoch ms.
 */
export type Charge =
  | { allowed: false; busy: boolean }
  | { allowed: true; username: string; network: string; usernameAt: number; addressAt: number };

/**
 * Charges an attempt before its hash runs, at the network and then at the username. `username` is what the attempt names,
 * whether such a user exists or not; `network` comes from `networkOf`. A network that may not try makes no object for the
 * names it tries. A refused attempt counts as no failure: what the network was charged is given back after the answer.
 * An attempt that is allowed must be judged, by `refundAttempt` or `failAttempt`.
 */
export async function chargeAttempt(
  deps: Pick<Deps, 'throttle' | 'defer'>,
  username: string,
  network: string,
): Promise<Charge> {
  const byAddress = await deps.throttle(addressSubject(network)).chargeAddress();
  if (!byAddress.ok) return { allowed: false, busy: false };
  const byUsername = await deps.throttle(usernameSubject(username)).chargeUsername(network);
  if (byUsername.ok) {
    return { allowed: true, username, network, usernameAt: byUsername.value, addressAt: byAddress.value };
  }
  deps.defer(async ({ throttle }) => throttle(addressSubject(network)).refundAddress(byAddress.value));
  return { allowed: false, busy: byUsername.code === 'try_again' };
}

/** After a success: gives this one charge back, and remembers the address as one that succeeded. */
export async function refundAttempt(deps: Pick<Deps, 'throttle'>, charge: Charge): Promise<void> {
  if (!charge.allowed) return;
  const { username, network, usernameAt, addressAt } = charge;
  await Promise.all([
    deps.throttle(usernameSubject(username)).succeeded(network, usernameAt),
    deps.throttle(addressSubject(network)).refundAddress(addressAt),
  ]);
}

/** After a failure: the charge stays, and those who waited for the outcome go on. */
export async function failAttempt(deps: Pick<Deps, 'throttle'>, charge: Charge): Promise<void> {
  if (!charge.allowed) return;
  await deps.throttle(usernameSubject(charge.username)).failed(charge.network, charge.usernameAt);
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
