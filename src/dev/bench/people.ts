/** The users, rooms and accounts of `npm run bench`, made before the time is taken. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { LocalKeys } from '../local-keys.ts';
import type { Call, Send } from './load.ts';

export interface Person {
  userId: string;
  accessToken: string;
  refreshToken: string;
}

export interface Room {
  sessionId: string;
  /** The host's member token. */
  seat: string;
}

export interface Account {
  uid: number;
  username: string;
  password: string;
  /** Where it was registered. The throttle knows this address as the owner's. */
  address: string;
  deviceId: string;
}

/** More than there are connections, so that two calls never wait for one user's object. */
const PEOPLE = 64;
export const ACCOUNTS = 8;
/** No common divisor: going through both in turn gives every pair once. */
const ROOMS = 16;
const GUESTS = 17;
const PAIRS = 160;
/** Fewer than the live sessions a user may be in: a create at that limit costs more. */
const ROOMS_OF_ONE = 16;

const MEGABYTE = randomBytes(1_000_000);

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
export const basic = (name: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
});
export const turn = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
export const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

export const register = (username: string, password: string): Call => ({
  path: '/users',
  body: { name: `Name of ${username}`, username, password },
});

export const join = ({ accessToken }: Person, { sessionId }: Room): Call => ({
  path: '/session/join',
  headers: bearer(accessToken),
  body: { sessionId },
});

export const upload = ({ accessToken }: Person): Call => ({
  path: '/uploads',
  headers: { ...bearer(accessToken), 'content-type': 'application/octet-stream' },
  body: MEGABYTE,
});

export async function preparePeople(send: Send, keys: LocalKeys) {
  const publishable = { 'x-api-key': keys.publishableKey };

  const signIn = (userId: string, deviceId: string): Call => ({
    path: '/api/v5/sessions',
    headers: publishable,
    body: { userId, deviceId },
  });

  const create = ({ accessToken }: Person): Call => ({
    path: '/session',
    headers: { ...publishable, ...bearer(accessToken) },
    body: { rules: { userCapacity: 1 + GUESTS } },
  });

  /** New users, each signed in on one device. */
  const arrive = (count: number): Promise<Person[]> =>
    Promise.all(
      many(count, async () => {
        const userId = `person-${randomUUID()}`;
        return { ...(await send<Person>(signIn(userId, 'first'))).answer, userId };
      }),
    );

  /** Calls that create live sessions, by users who are in none. */
  const creations = async (): Promise<Call[]> => {
    const hosts = await arrive(ROOMS);
    return many(ROOMS * ROOMS_OF_ONE, n => create(turn(hosts, n)));
  };

  /** New users and new rooms to join. Neighbours in the list share neither. */
  const atTheDoor = async (count = PAIRS): Promise<{ room: Room; guest: Person }[]> => {
    const [host, ...guests] = await arrive(1 + GUESTS);
    if (!host) throw new Error('no user was made');
    const rooms = await Promise.all(
      many(ROOMS, async () => {
        const { answer } = await send<{ sessionId: string; credentials: { token: string } }>(create(host));
        return { sessionId: answer.sessionId, seat: answer.credentials.token };
      }),
    );
    return many(count, n => ({ room: turn(rooms, n), guest: turn(guests, n) }));
  };

  /** The same, after the join. */
  const seated = async (count = PAIRS) =>
    Promise.all(
      (await atTheDoor(count)).map(async ({ room, guest }) => {
        const { answer } = await send<{ credentials: { token: string } }>(join(guest, room));
        return { room, guest, seat: answer.credentials.token };
      }),
    );

  const accounts: Account[] = [];
  for (const [n, address] of many(ACCOUNTS, index => `10.1.0.${index}`).entries()) {
    const [username, password] = [`bench${n}`, `passphrase of bench${n}`];
    const { answer } = await send<{ id: number }>({ ...register(username, password), address });
    accounts.push({ uid: answer.id, username, password, address, deviceId: randomUUID() });
  }
  const known = await arrive(PEOPLE);
  const { answer: uploaded } = await send<{ name: string }>(upload(turn(known, 0)));
  return {
    keys,
    signIn,
    creations,
    atTheDoor,
    seated,
    accounts,
    known,
    refreshing: await arrive(PEOPLE),
    members: await seated(PEOPLE),
    uploaded: uploaded.name,
  };
}

export type People = Awaited<ReturnType<typeof preparePeople>>;
