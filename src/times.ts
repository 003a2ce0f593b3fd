/** Instants are epoch milliseconds inside; the wire has ISO 8601 in UTC, or unix seconds where a contract says so. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** An instant as the wire shows it. */
export const iso = (at: number): string => new Date(at).toISOString();

/** The whole second an instant has reached. */
export const unixSeconds = (at: number): number => Math.floor(at / SECOND_MS);
