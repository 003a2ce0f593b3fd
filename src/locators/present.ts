import type { UserLocator } from './store.ts';

/** A locator as an object, with its address under the name of its type and as `type:value`. */
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
