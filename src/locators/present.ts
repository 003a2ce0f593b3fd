import type { UserLocator } from './store.ts';

/** A locator in its object form; the address under the name its type gives it, and as `type:value`. */
export function presentLocator({ userLocatorId, type, value, verificationStatus }: UserLocator) {
  return {
    '@type': type,
    ...(type === 'email' && { email: value }),
    ...(type === 'tele' && { phoneNumber: value }),
    ...(type === 'wallet' && { address: value }),
    locator: `${type}:${value}`,
    userLocatorId,
    verificationStatus,
  };
}
