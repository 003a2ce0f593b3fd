import type { Result } from './result.ts';

/**
 * The table of refusals. A code is stable: clients branch on it, so it is never renamed and never reused. Customers read
 * the title. The third member is the code that clients see, where it is another one.
 * Statuses follow RFC 9110 and, for credentials, RFC 6750 §3.1.
 */
export const refusals = {
  invalid_json: [400, 'The body is not valid JSON'],
  invalid_input: [400, 'The request does not have the documented form'],
  invalid_cursor: [400, 'The cursor is not one this endpoint gave out'],
  token_not_extendable: [400, 'Only a token that a secret key issued can be extended'],
  token_life_exceeded: [400, 'A token ends at most 365 days after it was made'],
  missing_context: [400, '`me` needs a user token: a secret key has no user'],
  conflicting_credentials: [400, 'The credentials of this request name different callers'],
  token_in_query: [400, 'A token belongs in a header, not in the address'],
  guest_cannot_host: [400, 'A guest cannot be the host'],
  length_mismatch: [400, 'The body is not as long as Content-Length says'],
  cannot_kick_self: [400, 'Hosts cannot kick themselves'],
  invalid_wallet_proof: [400, 'The message and the signature do not prove this wallet'],
  file_type_mismatch: [400, 'The first bytes are of another type than the declared one'],
  upload_mismatch: [400, 'The upload has another type or size than the request says'],
  missing_credential: [401, 'This call needs a credential'],
  invalid_token: [401, 'The token is not valid'],
  invalid_key: [401, 'The key is not valid'],
  invalid_signature: [401, 'The signature of the request is not valid'],
  session_ended: [401, 'The device session has ended'],
  membership_ended: [401, 'The membership has ended'],
  invalid_credentials: [401, 'The username or the password is wrong'],
  auth_token_required: [401, 'This user can sign in only with an authToken'],
  invalid_auth_token: [401, 'The authToken is not valid'],
  refresh_reused: [401, 'This refresh token was used before, so the device session has ended'],
  sign_in_refused: [401, 'This user may not sign in'],
  wrong_old_password: [403, 'The password is wrong', 'wrong_password'],
  wrong_account_key: [403, 'The account key is wrong'],
  name_retired: [403, 'This name cannot be taken: it belonged to an erased or a banned user'],
  banned: [403, 'This user is banned'],
  registration_closed: [403, 'This deployment takes no new users'],
  registration_code_required: [403, 'A new user needs a registration code that is good'],
  fresh_proof_required: [
    403,
    'This needs a sign-in of the last five minutes with a password, a wallet or an authToken',
  ],
  missing_privilege: [403, 'This credential does not allow that'],
  not_allowed: [403, 'This credential does not allow that'],
  not_your_file: [403, 'Only its uploader and the host may delete a file'],
  not_host: [403, 'Only the host may do that'],
  host_away: [403, 'The host is away and may come back, so only the host may do that'],
  origin_not_allowed: [403, 'This origin is not allowed'],
  member_kicked: [403, 'The host removed this user from the live session'],
  wrong_room_password: [403, 'The password of the live session is wrong or missing'],
  guests_not_allowed: [403, 'This live session does not admit guests'],
  address_not_allowed: [403, 'None of your proven wallets is on the allow-list'],
  address_not_proven: [403, 'You have not proven that this wallet is yours'],
  not_found: [404, 'Nothing is found at this address'],
  user_not_found: [404, 'This user does not exist'],
  device_not_found: [404, 'You have no such device session'],
  locator_not_found: [404, 'You have no such locator'],
  ban_not_found: [404, 'This user is not banned'],
  registration_code_not_found: [404, 'There is no such registration code'],
  role_not_found: [404, 'This role does not exist'],
  token_not_found: [404, 'This user has no such token'],
  attribute_def_not_found: [404, 'No attribute of this name is defined'],
  attribute_not_found: [404, 'The profile has no such attribute'],
  key_not_found: [404, 'This key does not exist'],
  live_session_not_found: [404, 'This live session does not exist'],
  file_not_found: [404, 'The live session has no such file'],
  upload_not_found: [404, 'You have no such upload'],
  photo_not_found: [404, 'You have no such photo'],
  bar_not_found: [404, 'The live session has no such bar'],
  member_not_found: [404, 'This user was never in the live session'],
  method_not_allowed: [405, 'This address does not take that method'],
  capacity_below_members: [409, 'The session already has more members'],
  file_limit_reached: [409, 'The live session already holds as many files as its rules allow'],
  reservation_lapsed: [409, 'The upload took too long and lost its place'],
  too_many_guests: [409, 'Five guests from this network are already in the live session'],
  duplicate_entity: [409, 'It exists already, or belongs to another user'],
  username_taken: [409, 'This username is taken'],
  password_exists: [409, 'This user already has a password'],
  upload_exists: [409, 'This upload name is taken'],
  upload_count_exceeded: [409, 'A user has at most 1,000 uploads'],
  too_many_photos: [409, 'A user has at most 100 photos'],
  too_many_attributes: [409, 'A profile has at most 64 attributes'],
  too_many_locators: [409, 'A user has at most 20 locators'],
  session_full: [409, 'Every seat in the live session is taken'],
  too_many_live_sessions: [409, 'A user can be in at most 20 live sessions at once'],
  length_required: [411, 'The request needs a Content-Length'],
  file_too_large: [413, 'The file is larger than this deployment allows'],
  quota_exceeded: [413, 'The file does not fit into what the rules of the live session allow'],
  upload_quota_exceeded: [413, 'The file does not fit into what a user may upload in a day'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The Content-Type is not one that this address takes'],
  range_not_satisfiable: [416, 'The range begins after the end of the file'],
  upgrade_required: [426, 'This address takes WebSocket connections only'],
  too_many_requests: [429, 'Too many requests: wait before the next one'],
  too_many_sockets: [429, 'Too many connections were opened in a minute'],
  too_many_uploads: [429, 'This member has too many uploads under way'],
  too_many_attempts: [429, 'Too many attempts: wait before the next one'],
  internal: [500, 'Something went wrong on our side'],
  not_configured: [503, 'This deployment is not configured yet'],
  storage_unavailable: [503, 'The file could not be stored: try again'],
  join_timed_out: [503, 'The join took too long: try again'],
  try_again: [503, 'The request could not be finished now: try again'],
  copy_pending: [503, 'The change is made, and is not yet shown everywhere'],
  not_everywhere_yet: [503, 'The change is made, and has not yet reached every live session'],
} as const satisfies Record<string, readonly [status: number, title: string, wireCode?: string]>;

export type RefusalCode = keyof typeof refusals;

/** The code that clients see. One of their codes may stand for refusals of different statuses. */
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

/** A foreseen refusal, thrown by a service and rendered by `http/problem.ts`. */
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

/** The value of a result. A refusal is thrown: only here does it become an `AppError`. */
export function unwrap<T>(result: Result<T, RefusalCode>): T {
  if (result.ok) return result.value;
  const { code, retryAfterMs, detail } = result;
  if (retryAfterMs === undefined) throw new AppError(code, detail === undefined ? {} : { detail });
  throw new AppError(code, { headers: waitHeaders('attempts', 10, Math.ceil(retryAfterMs / 1000)) });
}

/** An end that stands but has not reached every live session answers 503. The alarm goes on. */
export function requireEverywhere({ everywhere }: { everywhere: boolean }): void {
  if (!everywhere) throw new AppError('not_everywhere_yet', { headers: { 'Retry-After': '2' } });
}

/** The headers of a 429: its policy of `quota` requests a minute, and when to try again. */
export function waitHeaders(policy: string, quota: number, seconds: number): Record<string, string> {
  return {
    'Retry-After': String(seconds),
    'RateLimit-Policy': `"${policy}";q=${quota};w=60`,
    RateLimit: `"${policy}";r=0;t=${seconds}`,
  };
}
