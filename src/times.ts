/** Instants are epoch milliseconds inside; the wire has ISO 8601 in UTC, or unix seconds where a contract says so. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** An instant as the wire shows it. */
export const iso = (at: number): string => new Date(at).toISOString();

/** The whole second an instant has reached. */
export const unixSeconds = (at: number): number => Math.floor(at / SECOND_MS);

/** Date, hour and minute; seconds and their fractions if they are given; the zone. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)$/i;

/** The instant a text names by ISO 8601, with or without seconds, in any zone it says; null where it names none. */
export function parseTime(text: string): number | null {
  const [, date = '', minute, second = '00', fraction = '0', zone = ''] = ISO_TIME.exec(text) ?? [];
  const [, sign, hours = '00', minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const offset = sign ? `${sign}${hours}:${minutes}` : 'Z';
  const at = Date.parse(`${date}T${minute}:${second}.${fraction.slice(0, 3)}${offset}`);
  // February 30 would be taken for March 2.
  const isDay = new Date(`${date}T00:00Z`).toJSON()?.startsWith(date) ?? false;
  return Number.isNaN(at) || !isDay ? null : at;
}
