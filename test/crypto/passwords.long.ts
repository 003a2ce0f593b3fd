/** Password hashing, in the runtime it runs in: what it stores, what it takes back, and what it refuses to compute. */
import { scrypt as independentScrypt } from '@noble/hashes/scrypt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hashPassword, hashRuns, likeAHash, spendHash, verifyPassword } from '../../src/crypto/passwords.ts';
import { toBase64 } from '../../src/ids.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SECRET = 'correct horse battery staple';
const base64 = (bytes: Uint8Array) => toBase64(bytes).replace(/=+$/, '');
const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => index);

interface Cost {
  ln: number;
  r: number;
  p: number;
}

/** A hash as another implementation would store it. */
function foreignHash(secret: string, { ln, r, p }: Cost, saltBytes = 16, keyBytes = 32): string {
  const salt = bytes(saltBytes);
  const key = independentScrypt(secret, salt, { N: 2 ** ln, r, p, dkLen: keyBytes });
  return `$scrypt$ln=${ln},r=${r},p=${p}$${base64(salt)}$${base64(key)}`;
}

/** What a call answers, and how many hashes it ran. */
async function counted<T>(call: () => Promise<T>): Promise<[answer: T, runs: number]> {
  const before = hashRuns();
  const answer = await call();
  return [answer, hashRuns() - before];
}

const refused = [{ matches: false, outdated: false }, 0];

describe('S19 a stored hash', () => {
  it('is a PHC string with a salt of its own, and takes back its own secret only', async () => {
    const [stored, again] = [await hashPassword(SECRET), await hashPassword(SECRET)];
    expect(stored).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(stored.split('$')[3]).not.toBe(again.split('$')[3]);
    expect(await verifyPassword(SECRET, stored)).toEqual({ matches: true, outdated: false });
    expect(await verifyPassword(`${SECRET} `, stored)).toEqual({ matches: false, outdated: false });
    expect(await verifyPassword('', stored)).toEqual({ matches: false, outdated: false });
  });

  it('is what an independent scrypt makes of the same', async () => {
    const stored = foreignHash('pässwörd 😀', { ln: 14, r: 8, p: 5 });
    expect(await verifyPassword('pässwörd 😀', stored)).toEqual({ matches: true, outdated: false });
  });

  it('is of the whole secret, and the same however an accent was typed', async () => {
    const long = 'x'.repeat(127);
    const stored = await hashPassword(`${long}e\u0301`);
    expect((await verifyPassword(`${long}\u00e9`, stored)).matches).toBe(true);
    expect((await verifyPassword(`${long}e`, stored)).matches).toBe(false);
    expect((await verifyPassword(long, stored)).matches).toBe(false);
  });

  it('does not match with a bit of its salt or key turned', async () => {
    const cost = { ln: 4, r: 8, p: 1 };
    const stored = foreignHash(SECRET, cost);
    expect((await verifyPassword(SECRET, stored)).matches).toBe(true);
    const flip = (at: number) =>
      stored.slice(0, at) + (stored[at] === 'B' ? 'C' : 'B') + stored.slice(at + 1);
    const ends = [stored.indexOf('$', 9) + 1, stored.lastIndexOf('$') + 1, stored.length - 3];
    for (const at of ends) expect((await verifyPassword(SECRET, flip(at))).matches).toBe(false);
    for (const other of [
      { ...cost, ln: 5 },
      { ...cost, r: 7 },
      { ...cost, p: 2 },
    ]) {
      const told = stored.replace('ln=4,r=8,p=1', `ln=${other.ln},r=${other.r},p=${other.p}`);
      expect((await verifyPassword(SECRET, told)).matches).toBe(false);
    }
  });

  it.each([
    [{ ln: 13, r: 8, p: 5 }, 16, 32],
    [{ ln: 14, r: 7, p: 5 }, 16, 32],
    [{ ln: 14, r: 8, p: 4 }, 16, 32],
    [{ ln: 14, r: 8, p: 5 }, 15, 32],
    [{ ln: 14, r: 8, p: 5 }, 16, 33],
    [{ ln: 1, r: 1, p: 1 }, 8, 16],
    [{ ln: 1, r: 1, p: 1 }, 64, 64],
  ])(
    'of other parameters matches and is outdated: %j, salt of %i, key of %i bytes',
    async (cost, salt, key) => {
      const stored = foreignHash(SECRET, cost, salt, key);
      expect(await verifyPassword(SECRET, stored)).toEqual({ matches: true, outdated: true });
      expect(await verifyPassword('another', stored)).toEqual({ matches: false, outdated: true });
    },
  );

  it.each([
    { ln: 17, r: 4, p: 2 },
    { ln: 16, r: 8, p: 2 },
    { ln: 15, r: 1, p: 32 },
  ])('is computed at the bounds: %j', async ({ ln, r, p }) => {
    const stored = `$scrypt$ln=${ln},r=${r},p=${p}$${base64(bytes(16))}$${base64(bytes(32))}`;
    expect(await counted(() => verifyPassword(SECRET, stored))).toEqual([
      { matches: false, outdated: true },
      1,
    ]);
  });

  it.each([
    { ln: 18, r: 2, p: 1 },
    { ln: 20, r: 8, p: 5 },
    { ln: 99, r: 99, p: 99 },
    { ln: 17, r: 5, p: 1 },
    { ln: 17, r: 4, p: 3 },
    { ln: 16, r: 8, p: 3 },
    { ln: 14, r: 65, p: 1 },
    { ln: 14, r: 1, p: 65 },
    { ln: 16, r: 1, p: 1 },
    { ln: 0, r: 8, p: 1 },
    { ln: 14, r: 0, p: 5 },
    { ln: 14, r: 8, p: 0 },
    { ln: 4, r: 100, p: 1 },
    { ln: 4, r: 8, p: 100 },
    { ln: -1, r: 8, p: 5 },
    { ln: 14.5, r: 8, p: 5 },
    { ln: Number.NaN, r: 8, p: 5 },
  ])('beyond the bounds is never computed: %j', async ({ ln, r, p }) => {
    const stored = `$scrypt$ln=${ln},r=${r},p=${p}$${base64(bytes(16))}$${base64(bytes(32))}`;
    expect(await counted(() => verifyPassword(SECRET, stored))).toEqual(refused);
  });

  const salt = base64(bytes(16));
  const key = base64(bytes(32));
  it.each([
    '',
    '$',
    'x',
    SECRET,
    '$scrypt$',
    `$scrypt$ln=14,r=8,p=5$${salt}$`,
    `$scrypt$ln=14,r=8,p=5$$${key}`,
    `$scrypt$ln=14,r=8,p=5$${salt}`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${base64(bytes(15))}`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${base64(bytes(65))}`,
    `$scrypt$ln=14,r=8,p=5$${base64(bytes(7))}$${key}`,
    `$scrypt$ln=14,r=8,p=5$${base64(bytes(65))}$${key}`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${key}aa`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${key}=`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${key}$`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${key}\n`,
    ` $scrypt$ln=14,r=8,p=5$${salt}$${key}`,
    `$scrypt$ln=14,p=5,r=8$${salt}$${key}`,
    `$scrypt$ln=014,r=8,p=5$${salt}$${key}`,
    `$scrypt$ln=1e1,r=8,p=5$${salt}$${key}`,
    `$scrypt$v=1$ln=14,r=8,p=5$${salt}$${key}`,
    `$argon2id$ln=14,r=8,p=5$${salt}$${key}`,
    `$scrypt$ln=14,r=8,p=5$${salt.slice(0, -1)}-$${key}`,
    `$scrypt$ln=14,r=8,p=5$${salt}$${'A'.repeat(1e6)}`,
  ])('that is malformed matches nothing, throws nothing and is never computed (%#)', async stored => {
    expect(await counted(() => verifyPassword(SECRET, stored))).toEqual(refused);
  });
});

describe('S21 the cost', () => {
  it('is one hash for a secret that is right, wrong, stored anew, or of nobody', async () => {
    const [stored, toStore] = await counted(() => hashPassword(SECRET));
    const [, right] = await counted(() => verifyPassword(SECRET, stored));
    const [, wrong] = await counted(() => verifyPassword('wrong', stored));
    const [nothing, ofNobody] = await counted(() => spendHash(SECRET));
    expect([toStore, right, wrong, ofNobody]).toEqual([1, 1, 1, 1]);
    expect(nothing).toBe(undefined);
  });

  /** How long `likeAHash` waits, without waiting. */
  async function usualMs(): Promise<number> {
    const wait = vi.spyOn(scheduler, 'wait').mockResolvedValue(undefined);
    const [, runs] = await counted(likeAHash);
    const [[ms] = []] = wait.mock.calls;
    wait.mockRestore();
    expect(runs).toBe(0);
    return ms ?? Number.NaN;
  }

  /** A hash that takes so long by the clock, which moves with the timer behind it. */
  async function hashTaking(ms: number): Promise<void> {
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.spyOn(scheduler, 'wait').mockImplementation(async () => {
      vi.setSystemTime(Date.now() + ms);
    });
    await spendHash(SECRET);
    vi.restoreAllMocks();
    vi.useRealTimers();
  }

  it('is waited for by who may not try, as it was lately', async () => {
    const first = await usualMs();
    expect(first).toBeGreaterThan(0);
    await hashTaking(800);
    const second = await usualMs();
    expect(second).toBeCloseTo(first + (800 - first) / 8);
    await hashTaking(80);
    expect(await usualMs()).toBeCloseTo(second + (80 - second) / 8);
  });

  it('is not believed of a clock that stands still, goes back or leaps', async () => {
    const first = await usualMs();
    await hashTaking(0);
    await hashTaking(-5_000);
    expect(await usualMs()).toBe(first);
    await hashTaking(3_600_000);
    expect(await usualMs()).toBeCloseTo(first + (1_000 - first) / 8);
  });

  it('is measured where nobody holds the clock', async () => {
    await likeAHash();
    const first = await usualMs();
    await spendHash(SECRET);
    expect(await usualMs()).not.toBe(first);
  });
});
