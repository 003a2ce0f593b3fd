import type { Config } from '../config.ts';
import { AppError, waitHeaders } from '../errors.ts';

/**
 * The coarse limits of `wrangler.toml`, and how many requests a minute each lets through: by address (an IPv4 address, or
 * the /64 of an IPv6 one), and `WRITE_LIMIT` by user. An office or a school class shares one address.
 */
const LIMITS = {
  SIGN_IN_LIMIT: 600,
  JOIN_LIMIT: 600,
  IDENTIFIER_LIMIT: 600,
  NONCE_LIMIT: 60,
  PASSWORD_LIMIT: 240,
  REGISTRATION_LIMIT: 120,
  SEARCH_LIMIT: 600,
  READ_LIMIT: 3000,
  WRITE_LIMIT: 300,
} as const;

export type LimitName = keyof typeof LIMITS;

const PERIOD_SECONDS = 60;

/** In development one subject has so many counters: that many times the limit, from the same binding. */
const COUNTERS_IN_DEVELOPMENT = 10;

/** Counts the request against a limit of this subject; refuses `too_many_requests`. */
export type Count = (name: LimitName, subject: string) => Promise<void>;

/** The counter of one request. It counts once, so that a request costs one call: a later limit lets it pass. */
export function makeCount(limits: Pick<Env, LimitName>, { development }: Config): Count {
  let counted = false;
  return async (name, subject) => {
    if (counted) return;
    counted = true;
    if (await isWithin(limits[name], subject, development ? COUNTERS_IN_DEVELOPMENT : 1)) return;
    const policy = name.toLowerCase().replaceAll('_', '-');
    throw new AppError('too_many_requests', { headers: waitHeaders(policy, LIMITS[name], PERIOD_SECONDS) });
  };
}

/** Whether one of the subject's counters has room. The first one asked is chosen by chance, so that they fill alike. */
async function isWithin(limit: RateLimit, subject: string, counters: number): Promise<boolean> {
  const first = Math.floor(Math.random() * counters);
  for (let turn = 0; turn < counters; turn += 1) {
    const { success } = await limit.limit({ key: `${subject} ${(first + turn) % counters}` });
    if (success) return true;
  }
  return false;
}
