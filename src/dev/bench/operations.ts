/** The operations that `npm run bench` measures. Each has a floor: an operation that does a part of the same work. */
import { randomBytes, scrypt } from 'node:crypto';
import type { Call, Operation, Send } from './load.ts';
import {
  ACCOUNTS,
  type Account,
  basic,
  bearer,
  join,
  many,
  type People,
  register,
  turn,
  upload,
} from './people.ts';

export const HASH = 'hash';

/** One hash at the cost of `crypto/passwords.ts`. */
export async function hash(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cost = { N: 2 ** 14, r: 8, p: 5, maxmem: 2 ** 26 };
  scrypt('any', randomBytes(16), 32, cost, error => (error ? reject(error) : resolve()));
  await promise;
}

/** An operation with calls without end; `n` counts them. */
function endless(name: string, floor: string | null, call: (n: number) => Call): Operation {
  let n = 0;
  function* calls() {
    for (;;) yield call(n++);
  }
  return { name, floor, calls };
}

const logIn = (username: string, password: string, address: string): Call => ({
  path: '/users/login',
  headers: basic(username, password),
  address,
});

export function operationsOf(people: People): Operation[] {
  const { keys, accounts, known, refreshing, members, uploaded, signIn } = people;
  const byKnown = (n: number) => bearer(turn(known, n).accessToken);
  return [
    endless('empty answer', null, () => ({ path: '/health' })),
    endless('device token', 'empty answer', n => ({
      path: '/api/sessions',
      body: { identifier: `device ${n}` },
    })),
    endless('verify token', 'empty answer', n => ({ path: '/api/v5/sessions', headers: byKnown(n) })),
    endless('look up a user', 'empty answer', n => ({ path: `/users/${turn(accounts, n).uid}` })),
    endless('fetch 1 MB', 'empty answer', () => ({ path: `/uploads/${uploaded}` })),
    endless('sign in, known user', 'look up a user', n => signIn(turn(known, n).userId, 'second')),
    endless('sign in, new user', 'look up a user', n => signIn(`new-${n}`, 'first')),
    endless('refresh', 'verify token', n => {
      const person = turn(refreshing, n);
      return {
        path: '/api/v5/sessions/refresh',
        body: { refreshToken: person.refreshToken },
        heard: tokens => Object.assign(person, tokens),
      };
    }),
    endless('log in', HASH, n => {
      const { username, password, address, deviceId } = turn(accounts, n);
      return { ...logIn(username, password, address), body: { deviceInfo: { id: deviceId } } };
    }),
    endless('register', HASH, n => register(`new${n}comer`, `passphrase of new${n}comer`)),
    endless('who am I', 'verify token', n => ({ path: '/users/me', headers: byKnown(n) })),
    endless('search', 'look up a user', n => ({ path: `/users?s=bench${n % ACCOUNTS}` })),
    { name: 'create live session', floor: 'verify token', calls: people.creations },
    {
      name: 'join',
      floor: 'verify token',
      calls: async () => (await people.atTheDoor()).map(({ room, guest }) => join(guest, room)),
    },
    endless('look at live session', 'verify token', n => ({
      path: '/session/current',
      headers: bearer(turn(members, n).seat),
    })),
    {
      name: 'kick',
      floor: 'verify token',
      calls: async () =>
        (await people.seated()).map(({ room, guest }) => ({
          path: '/session/current/kick',
          headers: bearer(room.seat),
          body: { userId: guest.userId },
        })),
    },
    endless('presence heartbeat', 'verify token', n => ({
      path: '/v1/users/me/presence',
      headers: byKnown(n),
      body: { type: 'Online', timeToLive: 60, expiresTo: { type: 'Offline' } },
    })),
    endless('directory read by key', 'look up a user', n => ({
      path: `/v1/users/${turn(known, n).userId}`,
      headers: basic(keys.accessKey, keys.accessSecret),
    })),
    endless('upload 1 MB', 'fetch 1 MB', n => upload(turn(known, n))),
  ];
}

/** The names of failing log-ins begin with it. */
export const GUESS = 'log in, ';

/** No common divisor: every name is tried from every address, and no pair often enough to be throttled. */
const GUESSED_NAMES = 3;
const GUESSING_ADDRESSES = 7;
/** After so many failures the next attempt has to wait for a minute. */
const FAILURES = 10;

/** The failing log-ins that must not be told apart. From now on one of them is throttled. */
export async function prepareGuesses(
  send: Send,
  accounts: readonly Account[],
): Promise<{ name: string; call: (n: number) => Call }[]> {
  const guess = (username: string, address: string): Call => ({
    ...logIn(username, 'a wrong password', address),
    method: 'POST',
    expected: 401,
  });
  const from = (n: number) => `10.2.0.${n % GUESSING_ADDRESSES}`;
  const known = accounts.slice(0, GUESSED_NAMES);
  const byStranger = (n: number) => guess(`stranger${n % GUESSED_NAMES}`, from(n));
  const byMistake = (n: number) => guess(turn(known, n).username, from(n));
  const throttled = guess(turn(known, 0).username, '10.3.0.1');
  // The first try of a name or from an address makes an object, which takes longer.
  const first = many(GUESSING_ADDRESSES, n => [byStranger(n), byMistake(n)]).flat();
  for (const call of [...first, ...many(FAILURES, () => throttled)]) await send(call);
  return [
    { name: `${GUESS}unknown user`, call: byStranger },
    { name: `${GUESS}wrong password`, call: byMistake },
    { name: `${GUESS}throttled`, call: () => throttled },
  ];
}
