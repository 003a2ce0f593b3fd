import { z } from 'zod';

/**
 * The kinds of token and the `typ` that tells them apart (RFC 8725 §3.11). Every verifier takes one kind, so a token is
 * worth nothing where another kind is meant.
 */
export const tokenTypes = {
  access: 'at+jwt',
  refresh: 'rt+jwt',
  device: 'device+jwt',
  member: 'member+jwt',
  auth: 'auth+jwt',
  logout: 'logout+jwt',
} as const;

export type TokenKind = keyof typeof tokenTypes;

/** The claims of every token (RFC 9068 §2.2). The ring adds and checks `iss` and `aud`. */
const common = {
  sub: z.string().min(1),
  jti: z.string().min(1),
  sid: z.string().min(1),
  iat: z.int(),
  nbf: z.int(),
  exp: z.int(),
};

const userClaims = z.object({ ...common, uid: z.int().positive() });

/**
 * A device session may have several sign-ins: `lin` names the one a token descends from, `auth_time` is its instant
 * (RFC 9068 §2.2.1). Tokens of earlier releases have neither.
 */
const signInClaims = userClaims.extend({
  lin: z.string().optional(),
  auth_time: z.int().optional(),
  /** As `sub`, under the name that clients of the directory read; in its tokens only. */
  userId: z.string().optional(),
});

/**
 * The claims of each kind. `sub` is the public userId, `uid` its `users.id`, `sid` the device session; a
 * member token adds `live` (the live session) and `mid` (the membership). Times are unix seconds.
 */
export const tokenClaims = {
  access: signInClaims,
  refresh: signInClaims,
  /**
   * A guest: `session` is random, `identifier` what the device called itself. `visitor` is true where the guest came through
   * the SDK, whose calls take the token then.
   */
  device: z.object({
    ...common,
    session: z.string().min(1),
    identifier: z.string().min(1),
    visitor: z.literal(true).optional(),
    /** Who made it, as live sessions know them, with the makers of their token: a room that bars one of them bars the token. */
    by: z.array(z.string()).max(20).optional(),
  }),
  member: z.object({ ...common, uid: z.int().positive().optional(), live: z.string(), mid: z.string() }),
  /** `epoch`: of the user's device sessions when it was issued. It is worth nothing once that is higher. */
  auth: userClaims.extend({ epoch: z.int().optional() }),
  logout: userClaims,
} satisfies Record<TokenKind, z.ZodType>;

export type Claims<Kind extends TokenKind> = z.infer<(typeof tokenClaims)[Kind]>;

/** The claims that the maker of a token gives. The ring adds `iss`, `aud`, `jti`, `iat` and `nbf`. */
export type ClaimsToSign<Kind extends TokenKind> = Omit<Claims<Kind>, 'jti' | 'iat' | 'nbf'> & {
  jti?: string;
};
