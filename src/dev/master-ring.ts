import type { MasterSecrets } from '../crypto/derive.ts';
import { toBase64Url } from '../ids.ts';
import { makeMasterSecret } from './secrets.ts';

/** A key as the database lists it; `version` null: of an earlier release, and not used since. */
export interface ListedKey {
  id: string;
  name: string;
  kind: string;
  version: number | null;
}

const writeRing = (ring: readonly { version: number; bytes: Uint8Array }[]): string =>
  ring.map(({ version, bytes }) => `${version}:${toBase64Url(bytes)}`).join(',');

/** The ring with a new version in front, which derives everything new from now on. */
export function withNewVersion(ring: MasterSecrets): string {
  const newest = Math.max(...ring.map(({ version }) => version));
  return `${makeMasterSecret(newest + 1)},${writeRing(ring)}`;
}

/** The ring without a version; refuses the newest one, and one that is not there. */
export function withoutVersion(ring: MasterSecrets, version: number): string {
  const left = ring.filter(secret => secret.version !== version);
  if (left.length === ring.length) throw new Error(`MASTER_SECRETS has no version ${version}`);
  if (ring[0].version === version)
    throw new Error(`Version ${version} is the newest: add another one first (rotate-master -- add)`);
  return writeRing(left);
}

/** What stops working when this version leaves the ring, one line each. */
export function whatDies(version: number, keys: readonly ListedKey[], ownPeppers: boolean): string[] {
  const dying = keys.filter(key => key.version === version);
  const unknown = keys.filter(key => key.version === null);
  const tell = (key: ListedKey) => `  ${key.kind}  ${key.id}  ${key.name}`;
  return [
    `API keys that stop working: ${dying.length}`,
    ...dying.map(tell),
    ...(unknown.length > 0 ? ['API keys whose version is not known, because nothing used them lately:'] : []),
    ...unknown.map(tell),
    'Passwords of live sessions that were set under this version. Wait until those sessions are over.',
    ownPeppers
      ? 'Hashes of retired names stay: they rest on NAME_PEPPERS.'
      : 'Hashes of retired names: erased userIds and bans would be forgotten. Set NAME_PEPPERS first.',
  ];
}
