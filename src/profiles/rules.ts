import type { AttributeDef } from './store.ts';

/** An attribute to be set. */
export interface NewAttribute {
  key: string;
  contentType: string;
  contentEncoding: string;
  value: string;
}

/** A fault of an attribute: which member, and why. */
export interface Fault {
  member: keyof NewAttribute;
  message: string;
}

/** Why an attribute may not be set under its definition; null: there is no definition. Types are compared exactly. */
export function faultsOf(attribute: NewAttribute, def: AttributeDef | null): Fault[] {
  if (!def) return [{ member: 'key', message: 'is not defined' }];
  const { contentType, contentEncoding, value } = attribute;
  const faults: Fault[] = [];
  if (!def.allowedContentTypes.includes(contentType))
    faults.push({ member: 'contentType', message: 'is not one that the definition allows' });
  if (!def.allowedContentEncodings.includes(contentEncoding))
    faults.push({ member: 'contentEncoding', message: 'is not one that the definition allows' });
  if (value === '' && !def.canBeEmpty) faults.push({ member: 'value', message: 'must not be empty' });
  return faults;
}
