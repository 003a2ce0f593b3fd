import { z } from 'zod';
import { lengthOf, nfc } from '../text.ts';
import { nameSchema } from '../users/contract.ts';
import type { MemberView } from './protocol.ts';

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hex digits')
  .toLowerCase();
const addresses = z
  .array(z.union([address, z.strictObject({ address }).transform(entry => entry.address)]))
  .max(1000);
const password = z
  .string()
  .transform(nfc)
  .refine(text => !text.includes('\0'), 'must not hold the character U+0000')
  .refine(text => text.length >= 1 && lengthOf(text) <= 128, 'must be 1–128 characters');
const identity = z.strictObject({ name: nameSchema(100).nullish(), chainAddress: address.nullish() });

/** In seconds; 0: never. */
const timeout = z
  .int()
  .max(3600)
  .refine(value => value === 0 || value >= 30, 'must be 0, or 30–3600');

/** The rules a host may set; what is absent has its standard, or in a change stays as it was. */
const rules = (maxSessionMegabytes: number) =>
  z.strictObject({
    userCapacity: z.int().min(1).max(1000).nullish(),
    expiryDurationInSeconds: z.int().min(60).max(604_800).nullish(),
    password: password.nullish(),
    allowOnlyWhitelistedAddresses: z.boolean().nullish(),
    whiteListAddresses: addresses.nullish(),
    allowGuests: z.boolean().nullish(),
    memberTimeoutSeconds: timeout.nullish(),
    hostTimeoutSeconds: timeout.nullish(),
    maxFiles: z.int().min(0).max(1000).nullish(),
    maxTotalMegaBytes: z.int().min(0).max(maxSessionMegabytes).nullish(),
  });

/** `POST /session`. The vendor forbids unknown members here, so they are refused. */
export const createSchema = (maxSessionMegabytes: number) =>
  z.strictObject({
    identity: identity.nullish(),
    rules: rules(maxSessionMegabytes).nullish(),
    /** Deprecated forms; those under `rules` win. */
    password: password.nullish(),
    whiteListAddresses: addresses.nullish(),
  });

/** `PATCH /session/current`: an empty password takes it away, and the span of life counts from now. */
export const changeSchema = (maxSessionMegabytes: number) =>
  z.object({
    rules: z.strictObject({
      ...rules(maxSessionMegabytes).shape,
      password: z.union([z.literal(''), password]).nullish(),
    }),
  });

export type ChangeRequest = z.infer<ReturnType<typeof changeSchema>>;
export type CreateRequest = z.infer<ReturnType<typeof createSchema>>;

/** `POST /session/join`. */
export const joinSchema = z.object({
  sessionId: z.string().min(1).max(200),
  password: password.nullish(),
  identity: z.object(identity.shape).nullish(),
});

/** `POST /session/current/kick`. */
export const kickSchema = z.object({
  userId: z.string().min(1).max(300).transform(nfc),
  reason: nameSchema(200).nullish(),
  closeGuests: z.union([z.boolean(), z.literal('network')]).nullish(),
});

/** `POST /session/current/host`. */
export const handOverSchema = z.object({ userId: z.string().min(1).max(300).transform(nfc) });

/** After which address the next page of the allow-list begins. */
export const addressCursorSchema = z.string().max(100);

/** `GET /session/current/events`: the last event a reconnecting client knows of. */
export const eventsSchema = z.object({ after: z.coerce.number().int().min(0).optional() });

/** `GET /session/current`. */
export const pageSchema = z.object({
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(100),
});

/** Where the next page of members begins: after this seat, without those the first page put in front. */
export const cursorSchema = z.tuple([z.int().min(0), z.array(z.string()).max(2)]);
export type MemberCursor = z.infer<typeof cursorSchema>;

/** A room password as stored: an HMAC by the master secret of this version, never the password. */
export interface RoomPassword {
  version: number;
  mac: string;
}

/** The rules of a live session, in force until it ends. Spans in ms. */
export interface LiveSessionRules {
  capacity: number;
  expiryMs: number;
  password: RoomPassword | null;
  allowOnlyListed: boolean;
  allowGuests: boolean;
  memberTimeoutMs: number;
  /** After so long without a socket, a call or an upload the host's role passes on; 0: never. Absent: see `hostTimeoutOf`. */
  hostTimeoutMs?: number;
  maxFiles: number;
  maxTotalMegaBytes: number;
}

export interface Identity {
  name: string | null;
  /** Lower-case. */
  chainAddress: string | null;
}

export interface CreateLiveSession {
  identity: Identity;
  rules: LiveSessionRules;
  /** Lower-case. */
  allowList: string[];
}

/** What a host changes; what is absent stays. Spans in ms. */
export type RulesChange = Partial<LiveSessionRules> & { allowList?: string[] };

/** Who enters: a user, or a guest, of whom only a device token is known. */
export interface Visitor {
  /** `users.id` as text, or the guest's id. */
  subject: string;
  /** What others see: the public userId, or `guest:<session>`. */
  id: string;
  /** The name to go by where none is given. */
  name: string;
  /** Keys of the proven wallets: `0x…`, or `<chainId>:0x…` where a contract stands for it; lower-case. */
  wallets: string[];
  /** Subjects who owned these wallets before. A bar on one of them keeps this one out. */
  kin: string[];
  /** Of the user's record that says so. */
  version: number;
  /** A guest's network, as a keyed hash: how many come from one is bounded. Null: no guest. */
  guestOf: string | null;
}

/** A person who may not come back. `userId` and `name` are null for somebody who is erased. */
export interface Bar {
  id: string;
  userId: string | null;
  name: string | null;
  /** The public id and the name of the host who kicked; the name is null for kicks before it was kept. */
  by: string;
  byName: string | null;
  reason: string | null;
  /** When, in epoch ms. */
  at: number;
}

/** After which bar the next page begins. */
export const barCursorSchema = z.tuple([z.int().min(0), z.string().max(100)]);
export type BarCursor = z.infer<typeof barCursorSchema>;

/** A file of the session, as its members see it. Times in epoch ms. */
export interface SessionFile {
  fileKey: string;
  fileName: string;
  contentType: string;
  sizeInBytes: number;
  creatorId: string;
  createdAt: number;
}

export type FileToStore = Pick<SessionFile, 'fileName' | 'contentType' | 'sizeInBytes'>;

/** The rules of a live session as its members see them. */
export interface RulesView {
  expiresAt: number;
  maxFiles: number;
  maxUsers: number;
  maxTotalMegaBytes: number;
  passwordProtected: boolean;
  allowOnlyListed: boolean;
  allowGuests: boolean;
  memberTimeoutMs: number;
  hostTimeoutMs: number;
  /** For the host, its first hundred addresses; null for others. */
  allowList: string[] | null;
  allowListLength: number;
  fileCount: number;
}

/** A live session as its members see it. */
export interface LiveSessionView extends RulesView {
  id: string;
  creatorId: string;
  hostId: string | null;
  userCount: number;
  users: MemberView[];
  next: MemberCursor | null;
}

/** Which members a view shows: those after the cursor, at most so many; the caller in front on the first page. */
export interface MemberPage {
  caller: string;
  cursor: MemberCursor | null;
  limit: number;
}

/** What admission gives: the session, and the membership a member token is made of. */
export interface Created {
  view: LiveSessionView;
  mid: string;
  you: MemberView;
}

/** Who calls with a member token: the membership, the device session, the subject (see `rules.ts`). */
export interface MemberCredential {
  mid: string;
  sid: string;
  subject: string;
}

export interface Kick {
  /** Public userId. */
  userId: string;
  reason: string | null;
  /** Whether guests are no longer let in, either; `network`: for ten minutes those of this person's network. */
  closeGuests: boolean | 'network';
}

/** A place kept for an upload, and where its bytes go. */
export interface Reservation {
  fileKey: string;
  r2Key: string;
}

/** A file, or the place kept for one that is under way. */
export interface StoredFile extends SessionFile {
  /** Where it lies in R2. */
  r2Key: string;
  subject: string;
  /** False while it is under way. */
  stored: boolean;
}
