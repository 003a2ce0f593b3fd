import type { Deps } from '../deps.ts';
import { type Caller, verifySession } from '../device-sessions/service.ts';
import { AppError } from '../errors.ts';
import type { EntryAttribute } from '../users/entry-service.ts';
import {
  type AttributeDef,
  type NewAttribute,
  readAttributeDef,
  readAttributeDefs,
  readAttributes,
  removeAttribute,
  setAttributes,
} from '../users/profile-service.ts';
import { resolveOwn, resolveTarget } from './access-service.ts';
import type { AttributeGiven } from './profile-contract.ts';

export { defineAttribute, removeAttributeDef } from '../users/profile-service.ts';

/** Every definition, for whoever is signed in. */
export async function showAttributeDefs(deps: Deps, caller: Caller): Promise<AttributeDef[]> {
  await requireStanding(deps, caller);
  return readAttributeDefs(deps);
}

/** Refuses `attribute_def_not_found`. */
export async function showAttributeDef(deps: Deps, caller: Caller, key: string): Promise<AttributeDef> {
  await requireStanding(deps, caller);
  return readAttributeDef(deps, key);
}

async function requireStanding(deps: Deps, caller: Caller): Promise<void> {
  if (caller.kind === 'user') await verifySession(deps, caller.claims);
}

/** Whose profile, and what of it was asked for. */
export interface Profile {
  userId: string;
  attributes: EntryAttribute[];
}

/** A user's profile, for whoever is signed in: all of it, or what is set of `keys`. Refuses `user_not_found`. */
export async function readProfile(
  deps: Deps,
  caller: Caller,
  id: string,
  keys: readonly string[] | '*' = '*',
): Promise<Profile> {
  const { userId } = await resolveTarget(deps, caller, id);
  return { userId, attributes: await readAttributes(deps, userId, keys) };
}

/** Sets many attributes of one's own or, by a secret key, of anybody: all or none. */
export async function setProfile(
  deps: Deps,
  caller: Caller,
  id: string,
  attributes: NewAttribute[],
): Promise<void> {
  const { userId } = await resolveOwn(deps, caller, id);
  await setAttributes(deps, userId, attributes, index => `attributes.${index}.`);
}

/** Sets the attribute that the path names; refuses a body that names another. */
export async function setAttribute(
  deps: Deps,
  caller: Caller,
  { userId: id, key }: { userId: string; key: string },
  given: AttributeGiven,
): Promise<void> {
  const { userId } = await resolveOwn(deps, caller, id);
  const names = given.key ?? key;
  if (names !== key) throw new AppError('invalid_input', otherKey);
  await setAttributes(deps, userId, [{ ...given, key }], () => '');
}

/** Refuses `attribute_not_found`. */
export async function clearAttribute(
  deps: Deps,
  caller: Caller,
  { userId: id, key }: { userId: string; key: string },
): Promise<void> {
  const { userId } = await resolveOwn(deps, caller, id);
  await removeAttribute(deps, userId, key);
}

const otherKey = { errors: [{ path: 'key', message: 'is not the key in the path' }] };
