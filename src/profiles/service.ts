import type { Caller } from '../access/caller.ts';
import { verifySession } from '../access/session-service.ts';
import { resolveOwn, resolveTarget } from '../access/target-service.ts';
import type { Deps } from '../deps.ts';
import { AppError, type FieldError } from '../errors.ts';
import type { WrittenBy } from '../users/contract.ts';
import { writtenByOwner } from '../users/rules.ts';
import type { AttributeGiven } from './contract.ts';
import { faultsOf, type NewAttribute } from './rules.ts';
import {
  type Attribute,
  type AttributeDef,
  deleteAttribute,
  deleteDef,
  findAttributes,
  findDef,
  findDefs,
  insertDef,
  listDefs,
  upsertAttributes,
} from './store.ts';

type Storage = Pick<Deps, 'db'>;

/** How many attributes a profile has at most. */
const MOST_ATTRIBUTES = 64;
/** How often setting attributes is tried again because their definitions changed in between. */
const SET_TRIES = 3;

/** Defines an attribute; refuses `duplicate_entity` where it is defined already. */
export async function defineAttribute(
  { db, now }: Pick<Deps, 'db' | 'now'>,
  def: Omit<AttributeDef, 'createdAt'>,
): Promise<AttributeDef> {
  const made = { ...def, createdAt: now() };
  const isNew = await insertDef(db, made);
  if (!isNew)
    throw new AppError('duplicate_entity', { detail: 'An attribute of that key is defined already' });
  return made;
}

/** Every definition, by key. */
async function readAttributeDefs({ db }: Storage): Promise<AttributeDef[]> {
  return listDefs(db);
}

/** Refuses `attribute_def_not_found`. */
async function readAttributeDef({ db }: Storage, key: string): Promise<AttributeDef> {
  const def = await findDef(db, key);
  if (!def) throw new AppError('attribute_def_not_found');
  return def;
}

/**
 * Removes a definition; refuses `attribute_def_not_found`. Values that followed it stay, can be read and deleted, and
 * cannot be set any more.
 */
export async function removeAttributeDef({ db }: Storage, key: string): Promise<void> {
  const removed = await deleteDef(db, key);
  if (!removed) throw new AppError('attribute_def_not_found');
}

/** A user's attributes by key: all, or those of `keys` that are set. Refuses `user_not_found`. */
export async function readAttributes(
  { db }: Storage,
  userId: string,
  keys: readonly string[] | '*',
): Promise<Attribute[]> {
  const attributes = await findAttributes(db, userId, keys);
  if (!attributes) throw new AppError('user_not_found');
  return attributes;
}

/**
 * Sets all of these attributes or none. Refuses `invalid_input` where no definition allows one, or a key comes twice;
 * `pathOf` says where in the request an attribute stood. Refuses `too_many_attributes` and `user_not_found`.
 */
export async function setAttributes(
  { db }: Storage,
  userId: string,
  attributes: readonly NewAttribute[],
  pathOf: (index: number) => string,
  writtenBy: WrittenBy = 'system',
): Promise<void> {
  const keys = attributes.map(({ key }) => key);
  for (let tried = 0; tried < SET_TRIES; tried += 1) {
    const defs = new Map((await findDefs(db, keys)).map(def => [def.key, def]));
    const errors = attributes.flatMap((attribute, index): FieldError[] => {
      const twice = keys.indexOf(attribute.key) < index;
      const faults = twice
        ? [{ member: 'key', message: 'is given twice' }]
        : faultsOf(attribute, defs.get(attribute.key) ?? null);
      return faults.map(({ member, message }) => ({ path: `${pathOf(index)}${member}`, message }));
    });
    if (errors.length > 0) throw new AppError('invalid_input', { errors });
    const defined = attributes.map(attribute => ({
      ...attribute,
      definedAt: defs.get(attribute.key)?.createdAt ?? 0,
    }));
    const outcome = await upsertAttributes(db, userId, defined, MOST_ATTRIBUTES, writtenBy);
    if (outcome === 'set') return;
    if (outcome === 'user_not_found' && writtenBy === 'bare') throw new AppError('session_ended');
    if (outcome !== 'redefined') throw new AppError(outcome);
  }
  throw new AppError('try_again');
}

/** Refuses `attribute_not_found`, and `user_not_found`. */
export async function removeAttribute({ db }: Storage, userId: string, key: string): Promise<void> {
  const { known, deleted } = await deleteAttribute(db, userId, key);
  if (!known) throw new AppError('user_not_found');
  if (!deleted) throw new AppError('attribute_not_found');
}

/** Every definition, for any caller who is signed in. */
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

/** Which profile, and which of its attributes. */
export interface Profile {
  userId: string;
  attributes: Attribute[];
}

/** A user's profile, for any caller who is signed in: all of it, or those of `keys` that are set. Refuses `user_not_found`. */
export async function readProfile(
  deps: Deps,
  caller: Caller,
  id: string,
  keys: readonly string[] | '*' = '*',
): Promise<Profile> {
  const { userId } = await resolveTarget(deps, caller, id);
  return { userId, attributes: await readAttributes(deps, userId, keys) };
}

/** Sets attributes of the caller or, by a secret key, of any user: all of them or none. */
export async function setProfile(
  deps: Deps,
  caller: Caller,
  id: string,
  attributes: NewAttribute[],
): Promise<void> {
  const { userId, self } = await resolveOwn(deps, caller, id);
  const writtenBy = self ? writtenByOwner(self) : 'system';
  await setAttributes(deps, userId, attributes, index => `attributes.${index}.`, writtenBy);
}

/** Sets the attribute that the path names. Refuses a body that names another. */
export async function setAttribute(
  deps: Deps,
  caller: Caller,
  { userId: id, key }: { userId: string; key: string },
  given: AttributeGiven,
): Promise<void> {
  const { userId, self } = await resolveOwn(deps, caller, id);
  const names = given.key ?? key;
  if (names !== key) throw new AppError('invalid_input', otherKey);
  await setAttributes(deps, userId, [{ ...given, key }], () => '', self ? writtenByOwner(self) : 'system');
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
