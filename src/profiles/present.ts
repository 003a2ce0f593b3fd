import type { Profile } from './service.ts';
import type { Attribute, AttributeDef } from './store.ts';

/** A definition. `entityType` is the vendor's member for what it belongs to: here always users. */
export function presentAttributeDef(def: AttributeDef) {
  const { key, allowedContentTypes, allowedContentEncodings, canBeEmpty } = def;
  return { key, allowedContentTypes, allowedContentEncodings, canBeEmpty, entityType: 'users' };
}

/** One attribute of a profile. */
export function presentAttribute({ key, contentType, contentEncoding, value }: Attribute) {
  return { key, contentType, contentEncoding, value };
}

/** A whole profile, with its user. */
export function presentProfile({ userId, attributes }: Profile) {
  return { entityId: { identifier: userId }, attributes: attributes.map(presentAttribute) };
}
