import { z } from 'zod';
import { registrationCodeSchema } from '../registration/contract.ts';
import { descriptionSchema, sentNameSchema, type UserRecord, userIdSchema } from '../users/contract.ts';
import type { Lineage } from './rotation.ts';

/** What a device says of itself. A `kind` is text, because SDKs name new kinds. */
export const deviceInfoSchema = z
  .object({ kind: descriptionSchema, model: descriptionSchema, sdkVersion: descriptionSchema })
  .nullish()
  .catch(null);

/** `POST /api/{v3,v4,v5}/sessions`. Unknown members are ignored; `null` counts as absent. */
export const signInSchema = z.object({
  userId: userIdSchema,
  deviceId: z.string().min(1).max(150),
  deviceInfo: deviceInfoSchema,
  displayName: sentNameSchema(100),
  profileHandle: sentNameSchema(100),
  authToken: z.string().max(4096).nullish(),
  registrationCode: registrationCodeSchema,
});

export type SignIn = z.infer<typeof signInSchema>;

/** What a device says of itself; each surface its own members. */
export interface DeviceInfo {
  kind?: string | null | undefined;
  model?: string | null | undefined;
  sdkVersion?: string | null | undefined;
  name?: string | null | undefined;
  /** For push notices, by `transport`; shown to the device's own user alone. */
  token?: string | null | undefined;
  transport?: string | null | undefined;
}

/** What an access or refresh token says of the device session it belongs to. */
export interface PresentedSession {
  sid: string;
  jti: string;
  /** The sign-in it descends from. Tokens of before there were several for a device session have none. */
  lin?: string | undefined;
  /** The instant of that sign-in, unix seconds. */
  auth_time?: number | undefined;
}

/** `DELETE /api/{v}/sessions?userId=`: whose device sessions end, when it is not the presented one. */
export const signOutSchema = z.object({ userId: userIdSchema.optional() });

/** `POST /api/{v3,v4,v5}/sessions/refresh`. */
export const refreshSchema = z.object({ refreshToken: z.string().min(1).max(4096) });

/** Where a device session came from, and what proved the person behind it. */
export type OpenedBy = 'sdk' | 'account' | 'directory' | 'wallet';
export type Proof = 'userId' | 'authToken' | 'password' | 'wallet' | 'token';

/** One sign-in of one user on one device. Times in epoch ms. */
export interface DeviceSession {
  /** The `sid` of its tokens. */
  id: string;
  deviceId: string;
  deviceInfo: DeviceInfo;
  ipAddress: string | null;
  openedBy: OpenedBy;
  proof: Proof;
  /** Address of the wallet that was the proof, lower-case. */
  wallet?: string;
  createdAt: number;
  lastUsedAt: number;
  /** How long an access token of it lives, within the ends of its sign-in. */
  accessMs: number;
  /** Of the user, when it was opened. */
  credentialVersion: number;
  /** How long a sign-in lives without a refresh; null: no idle end. */
  idleMs: number | null;
  /** Of an issued token: the life it was issued with. */
  issuedForMs?: number;
  /** When all sign-ins but one were ended last: tokens of the earlier ones are worth nothing. */
  othersEndedAt?: number;
  /** Its sign-ins that stand, the earliest first, each with the tokens in force. */
  lineages: [Lineage, ...Lineage[]];
}

export interface OpenDeviceSession
  extends Pick<
    DeviceSession,
    'deviceId' | 'deviceInfo' | 'ipAddress' | 'openedBy' | 'proof' | 'wallet' | 'issuedForMs'
  > {
  /** The record as its caller read it in D1. */
  record: UserRecord;
  absoluteMs: number;
  /** Null: no idle end. */
  idleMs: number | null;
  accessMs: number;
  /** The key that will sign the tokens. */
  kid: string;
  /** Of the authToken that was the proof, where one was. */
  authTokenEpoch?: number | undefined;
}

/** A device session that stands, and the copy of its user's record. */
export interface Standing {
  session: DeviceSession;
  record: UserRecord;
  /** Whether this use was noted, which happens every ten minutes. */
  touched: boolean;
}

/** A device session, and the sign-in of it whose tokens are asked for. */
export interface Opened extends Standing {
  lineage: Lineage;
}

/** Where a user is signed in, as the bearer of one of the device sessions sees it; the oldest first. */
export interface Overview extends Standing {
  sessions: DeviceSession[];
}

/**
 * Which device sessions end. `presented` is the one on whose word they do. Without it, the Worker's caller stands for
 * the end: a secret key, or a link that can do nothing else.
 */
export type Which =
  | { kind: 'presented'; presented: PresentedSession }
  /** All but the one that is presented. */
  | { kind: 'others'; presented: PresentedSession }
  | { kind: 'some'; ids: readonly string[]; presented?: PresentedSession | undefined }
  | { kind: 'all'; presented?: PresentedSession | undefined };

/** `everywhere` false: the end stands, but some live session did not take it yet; the alarm goes on telling it. */
export interface Ended {
  everywhere: boolean;
}

/** `missing`: the ids among those that were named which did not stand. */
export interface EndedSome extends Ended {
  missing: string[];
}

/** What a user's device sessions tell a live session that was joined through one of them. */
export type Notice =
  | { kind: 'signed_out'; sid: string }
  | { kind: 'erased' }
  /** `wallets`: wallet keys, `kin`: `users.id`, both as the record of this `version` has them. */
  | { kind: 'wallets'; version: number; wallets: string[]; kin: number[] };

/** Whom the authToken is for. */
export const authTokenSchema = z.object({ userId: userIdSchema });
