import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { fromBase64, randomBytes, toBase64 } from '../ids.ts';
import { nfc } from '../text.ts';

/** scrypt (RFC 7914): N = 2^ln. OWASP lists this setting, and it is the most expensive one that a Worker can run. */
interface Cost {
  ln: number;
  r: number;
  p: number;
}

interface StoredHash {
  cost: Cost;
  salt: Uint8Array;
  key: Uint8Array;
}

const CURRENT: Cost = { ln: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** The most that a stored hash may cost: N, N·r·p (workerd's own bound) and 128·N·r bytes of the isolate's 128 MiB. */
const MOST_LN = 17;
const MOST_WORK = 2 ** 20;
const MOST_MEMORY = 2 ** 26;

/** The PHC string format: salts of 8–64 and keys of 16–64 bytes, in base64 without padding. */
const PHC =
  /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Used for unknown users. It is fixed, and costs what a stored hash costs. */
const DUMMY: StoredHash = {
  cost: CURRENT,
  salt: new Uint8Array(SALT_BYTES),
  key: new Uint8Array(KEY_BYTES),
};

const derive = promisify<string, Uint8Array, number, ScryptOptions, Uint8Array>(scrypt);

/** The hash of a password or an account key, to be stored: a PHC string with its own salt. */
export async function hashPassword(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await run(secret, CURRENT, salt, KEY_BYTES);
  const { ln, r, p } = CURRENT;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${toUnpadded(salt)}$${toUnpadded(key)}`;
}

/**
 * Whether a secret is the stored one, and whether it should be hashed again because its parameters are old. A string that
 * is not in this format, or would cost too much, matches nothing and runs no hash.
 */
export async function verifyPassword(
  secret: string,
  phc: string,
): Promise<{ matches: boolean; outdated: boolean }> {
  const stored = parse(phc);
  if (!stored) return { matches: false, outdated: false };
  return { matches: await matches(secret, stored), outdated: !isCurrent(stored) };
}

/** Costs what verifying a password costs. It runs for unknown users, so that answers look alike. */
export async function spendHash(secret: string): Promise<void> {
  await matches(secret, DUMMY);
}

async function matches(secret: string, { cost, salt, key }: StoredHash): Promise<boolean> {
  return timingSafeEqual(await run(secret, cost, salt, key.length), key);
}

function parse(phc: string): StoredHash | null {
  const [, ln, r, p, saltText = '', keyText = ''] = PHC.exec(phc) ?? [];
  const [cost, salt, key] = [
    { ln: Number(ln), r: Number(r), p: Number(p) },
    fromBase64(saltText),
    fromBase64(keyText),
  ];
  return isAffordable(cost) && salt && key ? { cost, salt, key } : null;
}

/** False for a text that is no number too, and for an N that RFC 7914 (§2) does not define for such a small r. */
function isAffordable({ ln, r, p }: Cost): boolean {
  return ln <= MOST_LN && ln < 16 * r && 2 ** ln * r * p <= MOST_WORK && 128 * 2 ** ln * r <= MOST_MEMORY;
}

function isCurrent({ cost, salt, key }: StoredHash): boolean {
  return (
    cost.ln === CURRENT.ln &&
    cost.r === CURRENT.r &&
    cost.p === CURRENT.p &&
    salt.length === SALT_BYTES &&
    key.length === KEY_BYTES
  );
}

const toUnpadded = (bytes: Uint8Array) => toBase64(bytes).replace(/=+$/, '');

let runs = 0;

/** How many hashes this isolate has begun. */
export const hashRuns = (): number => runs;

/** How long a hash took lately, in ms: a rolling mean. It begins with the cost of one at Cloudflare. */
let usualMs = 130;
const LONGEST_MS = 1_000;

async function run(
  secret: string,
  { ln, r, p }: Cost,
  salt: Uint8Array,
  keyBytes: number,
): Promise<Uint8Array> {
  runs += 1;
  const startedAt = Date.now();
  const key = await derive(nfc(secret), salt, keyBytes, {
    N: 2 ** ln,
    r,
    p,
    maxmem: 2 * MOST_MEMORY,
  });
  // Cloudflare's clock moves only with I/O. A timer is I/O.
  await scheduler.wait(0);
  const tookMs = Date.now() - startedAt;
  // A clock that stood still or was set back measures nothing.
  if (tookMs > 0) usualMs += (Math.min(tookMs, LONGEST_MS) - usualMs) / 8;
  return key;
}

/** Waits about as long as a hash took lately, without the cost. A refused attempt is answered no sooner than another. */
export async function likeAHash(): Promise<void> {
  await scheduler.wait(usualMs);
}
