import { iso } from '../times.ts';
import type { Bar, Created, LiveSessionView, RulesView, SessionFile } from './contract.ts';
import type { FileData, FrameData, RulesData, StateData } from './protocol.ts';
import { secondsLeft } from './rules.ts';

const unixSeconds = (at: number): number => Math.ceil(at / 1000);

/** The rules as the vendor's answers to create and join show them; `expiry` in unix seconds. */
function presentVendorRules(view: RulesView) {
  return {
    expiry: unixSeconds(view.expiresAt),
    maxFiles: view.maxFiles,
    maxUsers: view.maxUsers,
    maxTotalMegaBytes: view.maxTotalMegaBytes,
    passwordProtected: view.passwordProtected,
    whiteListAddresses: view.allowList,
  };
}

/** Every rule, as the other answers and the events show them. */
export function presentRules(view: RulesView): RulesData {
  return {
    ...presentVendorRules(view),
    allowOnlyWhitelistedAddresses: view.allowOnlyListed,
    allowGuests: view.allowGuests,
    memberTimeoutSeconds: view.memberTimeoutMs / 1000,
    hostTimeoutSeconds: view.hostTimeoutMs / 1000,
    whiteListLength: view.allowListLength,
    fileCount: view.fileCount,
  };
}

/** The answer of create. */
export function presentCreated({ view, you }: Created, token: string, now: number) {
  return {
    sessionId: view.id,
    expiresIn: secondsLeft(view.expiresAt, now),
    credentials: { token, id: you.id, pseudonym: you.name, role: you.role },
    rules: presentVendorRules(view),
  };
}

/** The answer of join: as create, and who is in. */
export function presentJoined(created: Created, token: string, now: number) {
  const { userCount, users } = created.view;
  return { ...presentCreated(created, token, now), userCount, users };
}

/** `GET /session/current`. */
export function presentCurrent(view: LiveSessionView, now: number): StateData {
  return {
    id: view.id,
    creatorId: view.creatorId,
    hostId: view.hostId,
    expiresIn: secondsLeft(view.expiresAt, now),
    ...presentRules(view),
    userCount: view.userCount,
    users: view.users,
  };
}

/** The data of `SessionState`. */
export function presentState(
  view: LiveSessionView,
  you: FrameData['SessionState']['you'],
  now: number,
): FrameData['SessionState'] {
  return { ...presentCurrent(view, now), you };
}

/** A file, as the list and the events show it. */
export function presentFile({ createdAt, ...file }: SessionFile): FileData {
  const { fileKey, fileName, contentType, sizeInBytes, creatorId } = file;
  return { fileKey, fileName, contentType, sizeInBytes, creatorId, createdAt: iso(createdAt) };
}

/** Somebody who may not come back. */
export function presentBar({ at, ...bar }: Bar) {
  return { ...bar, barredAt: iso(at) };
}
