import type { Profile } from './service.ts';
import type { Attribute, AttributeDef } from './store.ts';

/** What an attribute may be. `entityType` is the vendor's word for whose it is: here always a user's. */
export function presentAttributeDef(def: AttributeDef) {
  const { key, allowedContentTypes, allowedContentEncodings, canBeEmpty } = def;
  return { key, allowedContentTypes, allowedContentEncodings, canBeEmpty, entityType: 'users' };
}

/** One attribute, wherever a profile is shown. */
export function presentAttribute({ key, contentType, contentEncoding, value }: Attribute) {
  return { key, contentType, contentEncoding, value };
}

/** A whole profile, and whose it is. */
export function presentProfile({ userId, attributes }: Profile) {
  return { entityId: { identifier: userId }, attributes: attributes.map(presentAttribute) };
}
