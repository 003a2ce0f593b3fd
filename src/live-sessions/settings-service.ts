import { deriveMac, keyedHash, type MasterSecret } from '../crypto/derive.ts';
import type { Deps } from '../deps.ts';
import { toBase64Url } from '../ids.ts';
import type {
  ChangeRequest,
  CreateLiveSession,
  CreateRequest,
  Identity,
  RoomPassword,
  RulesChange,
} from './contract.ts';

const MINUTE_S = 60;

const STANDARD = {
  capacity: 50,
  expirySeconds: 60 * MINUTE_S,
  hostTimeoutSeconds: 2 * MINUTE_S,
  maxFiles: 100,
  maxTotalMegaBytes: 1024,
};

export async function toSettings(
  deps: Deps,
  liveId: string,
  request: CreateRequest,
): Promise<CreateLiveSession> {
  const rules = request.rules ?? {};
  const password = rules.password ?? request.password ?? null;
  const allowList = rules.whiteListAddresses ?? request.whiteListAddresses ?? [];
  const roomPassword = password === null ? null : await storedPassword(deps, liveId, password);
  return {
    identity: toIdentity(request.identity),
    allowList: [...new Set(allowList)],
    rules: {
      capacity: rules.userCapacity ?? STANDARD.capacity,
      expiryMs: (rules.expiryDurationInSeconds ?? STANDARD.expirySeconds) * 1000,
      password: roomPassword,
      allowOnlyListed: rules.allowOnlyWhitelistedAddresses ?? allowList.length > 0,
      allowGuests: rules.allowGuests ?? false,
      memberTimeoutMs: (rules.memberTimeoutSeconds ?? 0) * 1000,
      hostTimeoutMs: (rules.hostTimeoutSeconds ?? STANDARD.hostTimeoutSeconds) * 1000,
      maxFiles: rules.maxFiles ?? STANDARD.maxFiles,
      maxTotalMegaBytes:
        rules.maxTotalMegaBytes ?? Math.min(STANDARD.maxTotalMegaBytes, deps.config.maxSessionMegabytes),
    },
  };
}

/** What of the rules a change names; an empty password takes the password away. */
export async function toChange(
  deps: Deps,
  liveId: string,
  given: ChangeRequest['rules'],
): Promise<RulesChange> {
  const change: RulesChange = {};
  const { userCapacity, expiryDurationInSeconds, password, whiteListAddresses, memberTimeoutSeconds } = given;
  if (userCapacity != null) change.capacity = userCapacity;
  if (expiryDurationInSeconds != null) change.expiryMs = expiryDurationInSeconds * 1000;
  if (password != null)
    change.password = password === '' ? null : await storedPassword(deps, liveId, password);
  if (whiteListAddresses != null) change.allowList = [...new Set(whiteListAddresses)];
  // A list closes the session to the others, as at its creation; a list that becomes empty admits no one.
  if (change.allowList && change.allowList.length > 0) change.allowOnlyListed = true;
  if (given.allowOnlyWhitelistedAddresses != null) {
    change.allowOnlyListed = given.allowOnlyWhitelistedAddresses;
  }
  if (given.allowGuests != null) change.allowGuests = given.allowGuests;
  if (memberTimeoutSeconds != null) change.memberTimeoutMs = memberTimeoutSeconds * 1000;
  if (given.hostTimeoutSeconds != null) change.hostTimeoutMs = given.hostTimeoutSeconds * 1000;
  if (given.maxFiles != null) change.maxFiles = given.maxFiles;
  if (given.maxTotalMegaBytes != null) change.maxTotalMegaBytes = given.maxTotalMegaBytes;
  return change;
}

async function storedPassword(deps: Deps, liveId: string, password: string): Promise<RoomPassword> {
  return hashPassword(deps.config.masterSecrets[0], liveId, password);
}

export function toIdentity(
  identity: { name?: string | null | undefined; chainAddress?: string | null | undefined } | null | undefined,
): Identity {
  return { name: identity?.name ?? null, chainAddress: identity?.chainAddress ?? null };
}

/** The keyed hashes of a room password, newest master secret first: what is stored, and what is compared. */
export async function roomPasswords(deps: Pick<Deps, 'config'>, liveId: string, password: string | null) {
  if (password === null) return [];
  return Promise.all(deps.config.masterSecrets.map(secret => hashPassword(secret, liveId, password)));
}

async function hashPassword(secret: MasterSecret, liveId: string, password: string): Promise<RoomPassword> {
  const mac = await deriveMac(secret, 'room-password', `${liveId}|${password}`);
  return { version: secret.version, mac: toBase64Url(mac) };
}

/** A network, as a live session keeps it: equal for equal ones, and of no use to a reader. */
export function networkHash({ config }: Pick<Deps, 'config'>, text: string): string {
  return keyedHash(config.masterSecrets, 'network', text);
}
