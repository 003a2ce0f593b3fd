import type { Result } from './result.ts';

/**
 * THE table of refusals. A code is stable: clients branch on it, so it is never renamed and never reused. The third
 * member is the code clients see, where it is another.
 * Statuses follow RFC 9110 and, for credentials, RFC 6750 §3.1.
 */
export const refusals = {
  invalid_json: [400, 'The body is not valid JSON'],
  invalid_input: [400, 'The request does not have the documented form'],
  invalid_cursor: [400, 'The cursor is not one this endpoint gave out'],
  token_not_extendable: [400, 'Only a token that a secret key issued can be extended'],
  token_life_exceeded: [400, 'A token lives for at most 365 days from its creation'],
  missing_context: [400, 'A secret key is no user that me could stand for'],
  conflicting_credentials: [400, 'Two credentials in one request disagree'],
  token_in_query: [400, 'A token belongs in a header, never in the address'],
  guest_cannot_host: [400, 'A guest cannot be the host'],
  length_mismatch: [400, 'The body is not as long as Content-Length says'],
  cannot_kick_self: [400, 'The host cannot kick themself'],
  invalid_wallet_proof: [400, 'The wallet is not proven by that'],
  file_type_mismatch: [400, 'The bytes are not of the declared type'],
  upload_mismatch: [400, 'The upload has another type or size'],
  missing_credential: [401, 'This call needs a credential'],
  invalid_token: [401, 'The token is not valid'],
  invalid_key: [401, 'The key is not valid'],
  invalid_signature: [401, 'The request is not signed as the documents say'],
  session_ended: [401, 'The device session has ended'],
  membership_ended: [401, 'The membership has ended'],
  invalid_credentials: [401, 'The username or the password is wrong'],
  wrong_password: [401, 'The password is wrong'],
  auth_token_required: [401, 'Signing in as this user needs an authToken'],
  invalid_auth_token: [401, 'The authToken is not valid'],
  refresh_reused: [401, 'This refresh token was used before: the device session has ended'],
  sign_in_refused: [401, 'This user may not sign in'],
  wrong_old_password: [403, 'The password is wrong', 'wrong_password'],
  wrong_account_key: [403, 'The account key is wrong'],
  name_retired: [403, 'That name belonged to a user who was erased, or is refused with one who was banned'],
  banned: [403, 'This user is banned'],
  fresh_proof_required: [403, 'This needs a sign-in of the last five minutes that proves more than a name'],
  missing_privilege: [403, 'This credential does not allow that'],
  not_allowed: [403, 'This credential does not allow that'],
  not_your_file: [403, 'Only its uploader and the host may delete a file'],
  not_host: [403, 'Only the host may do that'],
  origin_not_allowed: [403, 'This origin is not allowed'],
  member_kicked: [403, 'Kicked from this live session'],
  guests_not_allowed: [403, 'This live session takes no guests'],
  address_not_allowed: [403, 'No proven wallet of yours is on the allow-list'],
  address_not_proven: [403, 'This wallet is not proven to be yours'],
  not_found: [404, 'There is nothing here'],
  user_not_found: [404, 'There is no such user'],
  device_not_found: [404, 'There is no such device session of yours'],
  locator_not_found: [404, 'There is no such locator of yours'],
  role_not_found: [404, 'There is no such role'],
  token_not_found: [404, 'There is no such token of this user'],
  attribute_def_not_found: [404, 'No attribute of that name is defined'],
  attribute_not_found: [404, 'The profile has no such attribute'],
  key_not_found: [404, 'There is no such key'],
  live_session_not_found: [404, 'There is no such live session'],
  file_not_found: [404, 'There is no such file in the live session'],
  upload_not_found: [404, 'There is no such upload of yours'],
  photo_not_found: [404, 'There is no such photo of yours'],
  member_not_found: [404, 'This user was never in the live session'],
  method_not_allowed: [405, 'This address does not answer that method'],
  capacity_below_members: [409, 'More members are in than that'],
  file_limit_reached: [409, 'The live session holds as many files as its rules allow'],
  reservation_lapsed: [409, 'The upload took too long, its place is gone'],
  too_many_guests: [409, 'Five guests of this network are in'],
  duplicate_entity: [409, 'That belongs to another user'],
  username_taken: [409, 'That username is taken'],
  password_exists: [409, 'This user has a password already'],
  upload_exists: [409, 'There is an upload of that name already'],
  too_many_photos: [409, 'A user has at most 100 photos'],
  too_many_attributes: [409, 'A profile has at most 64 attributes'],
  too_many_locators: [409, 'A user has at most 20 locators'],
  session_full: [409, 'Every seat of the live session is taken'],
  too_many_live_sessions: [409, 'A user is in at most 20 live sessions at once'],
  length_required: [411, 'Content-Length is needed'],
  file_too_large: [413, 'The file is larger than this deployment takes'],
  quota_exceeded: [413, 'The live session holds as many bytes as its rules allow'],
  upload_quota_exceeded: [413, 'That is more than one user may upload in a day'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body is not declared as what this address takes'],
  range_not_satisfiable: [416, 'The file is shorter than the range asked for'],
  upgrade_required: [426, 'This address speaks WebSocket only'],
  too_many_requests: [429, 'Too many requests from this address'],
  too_many_sockets: [429, 'Too many connections of this membership'],
  too_many_attempts: [429, 'Too many attempts, wait before the next one'],
  internal: [500, 'Something went wrong on our side'],
  not_configured: [503, 'This deployment is not configured yet'],
  storage_unavailable: [503, 'The storage did not take the file, try again'],
  join_timed_out: [503, 'The join took too long, try again'],
  try_again: [503, 'Too much is changing at once, try again'],
  copy_pending: [503, 'The change stands, but is not shown everywhere yet'],
  not_everywhere_yet: [503, 'The change stands, but has not reached every live session yet'],
} as const satisfies Record<string, readonly [status: number, title: string, wireCode?: string]>;

export type RefusalCode = keyof typeof refusals;

/** The code clients see: one word of theirs may stand for refusals of different statuses. */
export function wireCodeOf(code: RefusalCode): string {
  const [, , wireCode = code] = refusals[code] as readonly [number, string, string?];
  return wireCode;
}

export interface FieldError {
  /** Dotted path of the member, `''` for the whole. */
  path: string;
  message: string;
}

export interface RefusalDetails {
  detail?: string;
  errors?: FieldError[];
  headers?: Record<string, string>;
}

/** A foreseen refusal on its way from a service to the renderer in `http/problem.ts`. */
export class AppError extends Error {
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    super(code);
    this.name = 'AppError';
    this.code = code;
    this.details = details;
  }
}

/** The value of a result, or its refusal thrown: the one place where a refusal becomes an `AppError`. */
export function unwrap<T>(result: Result<T, RefusalCode>): T {
  if (result.ok) return result.value;
  const { code, retryAfterMs } = result;
  if (retryAfterMs === undefined) throw new AppError(code);
  throw new AppError(code, { headers: waitHeaders('attempts', 10, Math.ceil(retryAfterMs / 1000)) });
}

/** An end that stands but has not reached every live session is no promise kept yet: 503, and the alarm goes on. */
export function requireEverywhere({ everywhere }: { everywhere: boolean }): void {
  if (!everywhere) throw new AppError('not_everywhere_yet', { headers: { 'Retry-After': '2' } });
}

/** What a 429 says: a policy of `quota` requests a minute, and how long until the next is worth it. */
export function waitHeaders(policy: string, quota: number, seconds: number): Record<string, string> {
  return {
    'Retry-After': String(seconds),
    'RateLimit-Policy': `"${policy}";q=${quota};w=60`,
    RateLimit: `"${policy}";r=0;t=${seconds}`,
  };
}
