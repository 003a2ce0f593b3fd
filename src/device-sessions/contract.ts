import { z } from 'zod';
import { descriptionSchema, sentNameSchema, type UserRecord, userIdSchema } from '../users/contract.ts';
import type { Lineage } from './rotation.ts';

/** What a device says of itself. A `kind` is text: SDKs name kinds that nobody knew when this was written. */
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
});

export type SignIn = z.infer<typeof signInSchema>;

/** What a device says of itself; each surface its own members. */
export interface DeviceInfo {
  kind?: string | null | undefined;
  model?: string | null | undefined;
  sdkVersion?: string | null | undefined;
  name?: string | null | undefined;
  /** For push notices, by `transport`; shown to nobody but the device's own user. */
  token?: string | null | undefined;
  transport?: string | null | undefined;
}

/** What an access token says of the device session it belongs to. */
export interface PresentedSession {
  sid: string;
  jti: string;
}

/** `DELETE /api/{v}/sessions?userId=`: whose device sessions end, when it is not the presented one. */
export const signOutSchema = z.object({ userId: userIdSchema.optional() });

/** `POST /api/{v3,v4,v5}/sessions/refresh`. */
export const refreshSchema = z.object({ refreshToken: z.string().min(1).max(4096) });

/** Where a device session came from, and what proved the person behind it. */
export type OpenedBy = 'A' | 'C' | 'D' | 'wallet';
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
  absoluteEndAt: number;
  /** How long an access token of it lives, within its own ends. */
  accessMs: number;
  /** Of the user, when it was opened. */
  credentialVersion: number;
  /** How long it lives without a refresh; null: no idle end. */
  idleMs: number | null;
  idleEndAt: number | null;
  /** Of an issued token: the life it was issued with. */
  issuedForMs?: number;
  /** The tokens in force. */
  lineage: Lineage;
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
}

/** A device session that stands, and the copy of its user's record. */
export interface Standing {
  session: DeviceSession;
  record: UserRecord;
  /** Whether this use was noted, which happens every ten minutes. */
  touched: boolean;
}

/** Where a user is signed in, as the bearer of one of the device sessions sees it; the oldest first. */
export interface Overview extends Standing {
  sessions: DeviceSession[];
}

/** `everywhere` false: the end stands, but some live session did not take it yet; the alarm goes on telling it. */
export interface Ended {
  everywhere: boolean;
}

/** Whom the authToken is for. */
export const authTokenSchema = z.object({ userId: userIdSchema });
